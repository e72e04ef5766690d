import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type ChannelCredentials, Client, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { type Api, type ApiDeps, createApi, type ListenOptions } from '../src/api/api.ts';
import { notFound, unauthenticated } from '../src/errors.ts';
import { type Status, StatusSchema } from '../src/gen/google/rpc/status_pb.ts';
import type { Image } from '../src/images/image.ts';
import { type KeyPair, makeAuthority, makeServerCertificate } from '../src/installation/certificates.ts';
import { formatHostPort, type HostPort } from '../src/lib/host-port.ts';
import type { Operation } from '../src/operations/operation.ts';

export const goodToken = 't1.good.token';
export const subjectId = 'ajeaaaaaaaaaaaaaaaaa';

/** An image as the fake service has it. */
export function someImage(change: Partial<Image> = {}): Image {
  return {
    id: 'fd8aaaaaaaaaaaaaaaaa',
    folderId: 'b1gaaaaaaaaaaaaaaaaa',
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    name: 'debian',
    description: '',
    labels: {},
    family: '',
    storageSizeBytes: 5_000_000_000,
    minDiskSizeBytes: 2 ** 32,
    productIds: [],
    status: 'READY',
    os: { type: 'LINUX', nvidiaDriver: '' },
    pooled: false,
    hardwareGeneration: { kind: 'legacy', pciTopology: 'V1' },
    sizeBytes: 2 ** 32,
    guestDigest: 'ab',
    volumeId: 'volume',
    ...change,
  };
}

/** An operation as the fake service has it: a Create that still runs. */
export function someOperation(change: Partial<Operation> = {}): Operation {
  return {
    id: 'fd8oooooooooooooooooo',
    kind: 'image.create',
    folderId: 'b1gaaaaaaaaaaaaaaaaa',
    resourceId: 'fd8aaaaaaaaaaaaaaaaa',
    description: 'Create image',
    createdBy: subjectId,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    modifiedAt: new Date('2026-01-02T03:04:05.678Z'),
    done: false,
    progress: undefined,
    error: undefined,
    result: undefined,
    ...change,
  };
}

/** A service that knows one token and no resource at all; a test gives it the functions it is about. */
export function fakeDeps(change: FakeDeps = {}): ApiDeps {
  return {
    log: change.log ?? pino({ level: 'silent' }),
    async authenticate(authorization) {
      if (authorization === undefined) throw unauthenticated('IAM token or API key has to be passed in request');
      if (authorization !== `Bearer ${goodToken}`) throw unauthenticated('The token is invalid');
      return { id: subjectId };
    },
    authorize: change.authorize ?? (async () => {}),
    tokens: {
      issueToken: async () => ({ iamToken: goodToken, expiresAt: new Date('2026-01-02T15:04:05Z') }),
      ...change.tokens,
    },
    images: {
      createImage: async () => someOperation(),
      computeDigest: async () => someOperation(),
      getImage: async ({ imageId }) => {
        throw notFound('Image', imageId);
      },
      getLatestByFamily: async ({ family }) => {
        throw notFound('Image', family);
      },
      listImages: async () => ({ images: [], nextPageToken: '' }),
      updateImage: async ({ imageId }) => {
        throw notFound('Image', imageId);
      },
      deleteImage: async ({ imageId }) => {
        throw notFound('Image', imageId);
      },
      listImageOperations: async () => ({ operations: [], nextPageToken: '' }),
      openImageContent: async ({ imageId }) => {
        throw notFound('Image', imageId);
      },
      ...change.images,
    },
    operations: {
      getOperation: async ({ operationId }) => {
        throw notFound('Operation', operationId);
      },
      cancelOperation: async ({ operationId }) => {
        throw notFound('Operation', operationId);
      },
      ...change.operations,
    },
    uploads: {
      maxLengthBytes: 1024,
      createUpload: async ({ folderId }) => {
        throw notFound('Folder', folderId);
      },
      getUpload: noUpload,
      settleUpload: noUpload,
      listUploads: async () => [],
      appendToUpload: noUpload,
      deleteUpload: noUpload,
      ...change.uploads,
    },
    store: {
      folderId: 'folder',
      startCheck: noStore,
      startScrub: noStore,
      getSpace: noStore,
      ...change.store,
    },
    folders: {
      getFolder: async ({ folderId }) => {
        throw notFound('Folder', folderId);
      },
      listFolders: async () => ({ folders: [], nextPageToken: '' }),
      getCloud: async ({ cloudId }) => {
        throw notFound('Cloud', cloudId);
      },
      listClouds: async () => ({ clouds: [], nextPageToken: '' }),
      ...change.folders,
    },
  };
}

async function noUpload({ uploadId }: { readonly uploadId: string }): Promise<never> {
  throw notFound('Upload', uploadId);
}

async function noStore(): Promise<never> {
  throw notFound('Folder', 'folder');
}

export interface FakeDeps extends Partial<Pick<ApiDeps, 'log' | 'authorize'>> {
  readonly tokens?: Partial<ApiDeps['tokens']>;
  readonly images?: Partial<ApiDeps['images']>;
  readonly operations?: Partial<ApiDeps['operations']>;
  readonly uploads?: Partial<ApiDeps['uploads']>;
  readonly store?: Partial<ApiDeps['store']>;
  readonly folders?: Partial<ApiDeps['folders']>;
}

let certificates: Promise<{ readonly authority: KeyPair; readonly server: KeyPair }> | undefined;

/** One authority and one certificate for localhost and 127.0.0.1, made once for all tests of a file. */
export function testCertificates(): Promise<{ readonly authority: KeyPair; readonly server: KeyPair }> {
  certificates ??= (async () => {
    const authority = await makeAuthority(new Date());
    return { authority, server: await makeServerCertificate(authority, ['localhost', '127.0.0.1'], new Date()) };
  })();
  return certificates;
}

export interface TestApi extends AsyncDisposable {
  readonly api: Api;
  readonly address: HostPort;
  /** `127.0.0.1:PORT` */
  readonly target: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

/** The API on a free port of 127.0.0.1, with fake functions behind it. */
export async function startApi(change: FakeDeps = {}, options: Partial<ListenOptions> = {}): Promise<TestApi> {
  const { server } = await testCertificates();
  const api = await createApi(fakeDeps(change));
  const address = await api.listen({
    address: { host: '127.0.0.1', port: 0 },
    certificate: { cert: server.certificate, key: server.privateKey },
    plaintext: false,
    doors: 'both',
    ...options,
  });
  const target = formatHostPort(address);
  return { api, address, target, url: `http://${target}`, [Symbol.asyncDispose]: () => api.close({ graceMs: 0 }) };
}

/** How a gRPC call ended. */
export type GrpcResult<T> =
  | { readonly ok: true; readonly message: T; readonly metadata: Metadata }
  | { readonly ok: false; readonly code: string; readonly status: Status | undefined; readonly error: StatusObject };

export interface GrpcClient extends Disposable {
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    options?: { readonly metadata?: Record<string, string>; readonly name?: string; readonly deadline?: Date },
  ): Promise<GrpcResult<MessageShape<M['output']>>>;
  /** Sends bytes that may be no message at all. */
  callBytes(path: string, bytes: Uint8Array): Promise<GrpcResult<Uint8Array>>;
  readonly client: Client;
}

/** A client with the official gRPC library. It sends the good token unless the call's metadata says otherwise. */
export function grpcClient(target: string, channel: ChannelCredentials = credentials.createInsecure()): GrpcClient {
  const client = new Client(target, channel);
  const send = (path: string, bytes: Uint8Array, headers: Record<string, string>, deadline?: Date) =>
    new Promise<GrpcResult<Uint8Array>>((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries({ authorization: `Bearer ${goodToken}`, ...headers })) {
        if (value !== '') metadata.set(name, value);
      }
      let initial = new Metadata();
      const call = client.makeUnaryRequest(
        path,
        (message: Uint8Array) => Buffer.from(message),
        (message: Buffer): Uint8Array => message,
        bytes,
        metadata,
        deadline === undefined ? {} : { deadline },
        (error, reply) => {
          if (error === null) {
            resolve({ ok: true, message: reply ?? new Uint8Array(0), metadata: initial });
            return;
          }
          const [details] = error.metadata.get('grpc-status-details-bin');
          resolve({
            ok: false,
            code: status[error.code],
            status: Buffer.isBuffer(details) ? fromBinary(StatusSchema, details) : undefined,
            error,
          });
        },
      );
      call.on('metadata', (received: Metadata) => {
        initial = received;
      });
    });
  return {
    client,
    callBytes: (path, bytes) => send(path, bytes, {}),
    async call(method, request, { metadata = {}, name = method.parent.typeName, deadline } = {}) {
      const bytes = toBinary(method.input, create(method.input, request));
      const result = await send(`/${name}/${method.name}`, bytes, metadata, deadline);
      if (!result.ok) return result;
      return { ...result, message: fromBinary<(typeof method)['output']>(method.output, result.message) };
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** Headers with the good token. */
export const authorized = { authorization: `Bearer ${goodToken}` };
