import { setTimeout as sleep } from 'node:timers/promises';
import { create, type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, Metadata } from '@grpc/grpc-js';
import { tlsCredentials } from '../src/cli/tls-credentials.ts';
import { ImageService } from '../src/gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { percentile } from './statistics.ts';

/** What to ask for, and how hard. */
export interface Load {
  readonly endpoint: string;
  readonly ca: string;
  readonly token: string;
  readonly folderId: string;
  readonly imageIds: readonly string[];
  readonly method: 'get' | 'list';
  /** Connections, each with so many calls in flight all the time... */
  readonly connections: number;
  readonly inFlight: number;
  /** ...or, in all, so many calls a second, however long the answers take. */
  readonly perSecond?: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** A page of the most that is allowed. */
const pageSize = 1000;

/**
 * Calls a service over gRPC and TLS and says how it answered. A process of its own (api.ts starts it), so that no client
 * work is done where the service or the measuring is. Standard input: a Load; output: a LoadResult.
 */
async function runLoad(load: Load): Promise<LoadResult> {
  const tls = tlsCredentials({ endpoint: load.endpoint, ca: load.ca });
  // grpc-js shares one connection between clients with equal options unless told otherwise.
  const options = { ...tls.options, 'grpc.use_local_subchannel_pool': 1 };
  const clients = Array.from({ length: load.connections }, () => new Client(load.endpoint, tls.credentials, options));
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${load.token}`);
  const method = load.method === 'get' ? ImageService.method.get : ImageService.method.list;
  const requests = encodeRequests(load);
  let next = 0;
  const call = (client: Client): Promise<number> => {
    const request = requests[next++ % requests.length] ?? Buffer.alloc(0);
    return callOnce(client, method, request, metadata);
  };
  await Promise.all(clients.map(call));

  const times: number[] = [];
  const begun = performance.now();
  const ends = begun + load.seconds * 1000;
  const work =
    load.perSecond === undefined
      ? clients.flatMap((client) =>
          Array.from({ length: load.inFlight }, () => callUntil(ends, () => call(client), times)),
        )
      : [callAtRate(ends, load.perSecond, (index) => call(clients[index % clients.length] as Client), times)];
  await Promise.all(work);
  const seconds = (performance.now() - begun) / 1000;
  for (const client of clients) client.close();
  return {
    perSecond: times.length / seconds,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    calls: times.length,
  };
}

function encodeRequests({ method, folderId, imageIds }: Load): Buffer[] {
  if (method === 'list') {
    const { input } = ImageService.method.list;
    return [Buffer.from(toBinary(input, create(input, { folderId, pageSize: BigInt(pageSize) })))];
  }
  const { input } = ImageService.method.get;
  return imageIds.map((imageId) => Buffer.from(toBinary(input, create(input, { imageId }))));
}

async function callUntil(ends: number, call: () => Promise<number>, times: number[]): Promise<void> {
  while (performance.now() < ends) times.push(await call());
}

/** A call that is late because an earlier one held this process up counts from when it was due. */
async function callAtRate(
  ends: number,
  perSecond: number,
  call: (index: number) => Promise<number>,
  times: number[],
): Promise<void> {
  const calls: Promise<void>[] = [];
  for (let index = 0, due = performance.now(); due < ends; index += 1, due += 1000 / perSecond) {
    if (due > performance.now()) await sleep(due - performance.now());
    calls.push(call(index).then((time) => void times.push(time)));
  }
  await Promise.all(calls);
}

/** Milliseconds from the call to its decoded answer. */
function callOnce(client: Client, method: DescMethod, request: Buffer, metadata: Metadata): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const start = performance.now();
  client.makeUnaryRequest(
    `/${method.parent.typeName}/${method.name}`,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    metadata,
    (error) => (error === null ? resolve(performance.now() - start) : reject(error)),
  );
  return promise;
}

let input = '';
for await (const piece of process.stdin) input += piece;
console.log(JSON.stringify(await runLoad(JSON.parse(input))));
