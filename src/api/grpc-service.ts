import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type ServiceError as GrpcError,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { ServiceError } from '../errors.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import type { ApiMethod, ApiService } from './api-service.ts';
import { callAddress } from './call-address.ts';
import { toStatus } from './error-status.ts';
import { pollIntervalHeader } from './operation-poll-interval.ts';
import { type Answer, answer, type PipelineDeps } from './pipeline.ts';
import { requestIdHeaders } from './request-ids.ts';
import { grpcCode } from './status-codes.ts';
import { typeUrlRewriter } from './unprefixed-names.ts';

/** What grpc-js's Server.addService takes. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: Record<string, UntypedHandleCall>;
}

/**
 * The service under the name given: its own or the neutral one. Messages pass grpc-js as bytes and are coded in the
 * handler, so that a request that cannot be decoded is answered like every other mistake.
 */
export function grpcService(deps: PipelineDeps, service: ApiService, name: string): GrpcService {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const handlers: Record<string, UntypedHandleCall> = {};
  for (const method of service.methods) {
    definition[method.desc.name] = {
      path: `/${name}/${method.desc.name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    handlers[method.desc.name] = unaryHandler(deps, method, name !== service.desc.typeName);
  }
  return { definition, handlers };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function unaryHandler(deps: PipelineDeps, method: ApiMethod, neutralNames: boolean) {
  const { input, output } = method.desc;
  const rewrite = neutralNames ? typeUrlRewriter(output) : undefined;
  const pollInterval = pollIntervalHeader(output);
  return async (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): Promise<void> => {
    const leaving = new AbortController();
    call.once('cancelled', () => leaving.abort());
    const answered = await answer(deps, {
      method,
      door: 'grpc',
      header: (name) => call.metadata.get(name)[0]?.toString(),
      address: callAddress(call.getHost()),
      peer: call.getPeer(),
      signal: leaving.signal,
      sizeBytes: call.request.length,
      decode: () => decode(input, call.request),
      encode: (message) => {
        rewrite?.(message);
        return encode(output, message);
      },
    });
    if (answered.kind === 'error') {
      reply(grpcError(answered));
      return;
    }
    call.sendMetadata(metadataOf({ ...requestIdHeaders(answered.ids), ...pollInterval }));
    reply(null, answered.reply);
  };
}

function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch {
    const message = `The request is not a valid ${schema.typeName} message`;
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_REQUEST', message });
  }
}

function encode(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function grpcError({ ids, error }: Extract<Answer<unknown>, { kind: 'error' }>): Partial<GrpcError> {
  const status = toStatus(error, ids.requestId);
  const metadata = metadataOf(requestIdHeaders(ids));
  metadata.set('grpc-status-details-bin', encode(StatusSchema, status));
  return { code: grpcCode(error.code), details: status.message, metadata };
}

function metadataOf(headers: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
