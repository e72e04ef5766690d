import { randomUUID } from 'node:crypto';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, Metadata } from '@grpc/grpc-js';
import { fromGrpc } from './api-failed.ts';
import { CliFailed } from './cli-failed.ts';
import type { ServerPlace } from './find-server.ts';
import { tlsCredentials } from './tls-credentials.ts';

/** Long enough for a busy server, short enough for a person. */
const callTimeoutMs = 30_000;

/** A server that restarts is found again soon, also by a wait that has gone on for long. */
const firstReconnectMs = 200;
const slowestReconnectMs = 2_000;

/** A call that found no server is tried again for about a second; the idempotency key makes that safe. */
const retryPolicy = {
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.1s',
        maxBackoff: '0.5s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};

/** The service's gRPC API over TLS. Dispose it to let the process end. */
export class ApiClient implements Disposable {
  readonly #endpoint: string;
  readonly #token: string | undefined;
  readonly #client: Client;

  /** Without a token only what anybody may call can be called. */
  constructor(server: ServerPlace & { readonly token?: string }) {
    const { endpoint, token } = server;
    this.#endpoint = endpoint;
    this.#token = token;
    const tls = tlsCredentials(server);
    try {
      this.#client = new Client(endpoint, tls.credentials, {
        ...tls.options,
        'grpc.primary_user_agent': 'obraz-cli',
        'grpc.initial_reconnect_backoff_ms': firstReconnectMs,
        'grpc.max_reconnect_backoff_ms': slowestReconnectMs,
        'grpc.service_config': JSON.stringify(retryPolicy),
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CliFailed(`cannot connect to ${JSON.stringify(endpoint)}: ${reason}`, { cause });
    }
  }

  /** Calls `method` once as the server sees it, however often it is sent. Throws ApiFailed. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<MessageShape<O>> {
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const metadata = new Metadata();
    if (this.#token !== undefined) metadata.set('authorization', `Bearer ${this.#token}`);
    metadata.set('idempotency-key', randomUUID());
    metadata.set('x-request-id', randomUUID());
    const running = this.#client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => fromBinary(method.output, bytes),
      create(method.input, request),
      metadata,
      { deadline: Date.now() + callTimeoutMs },
      (error, response) => {
        options?.signal?.removeEventListener('abort', cancel);
        if (error !== null) reject(fromGrpc(error, this.#endpoint));
        else if (response === undefined) reject(new CliFailed(`${method.name} was answered without a message`));
        else resolve(response);
      },
    );
    const cancel = () => running.cancel();
    if (options?.signal?.aborted) cancel();
    else options?.signal?.addEventListener('abort', cancel, { once: true });
    return promise;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
