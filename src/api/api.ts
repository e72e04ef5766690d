import type { Logger } from 'pino';
import type { Caller } from '../access/caller.ts';
import type { Subject } from '../access/subject.ts';
import type { Catalog } from '../disks/catalog.ts';
import { formatHostPort, type HostPort, isWildcard } from '../lib/host-port.ts';
import type { Operation } from '../operations/operation.ts';
import type { AuditFunctions } from './audited-call.ts';
import type { AuthorizationDeps } from './authorization.ts';
import type { FolderOf } from './authorized.ts';
import { CallFigures } from './call-figures.ts';
import { bodyLimits, CallGate, type CallGateFigures, type CallLimits, callLimits, contentLimits } from './call-gate.ts';
import type {
  FolderDiskFunctions,
  FolderImageFunctions,
  FolderOperationFunctions,
  FolderSnapshotFunctions,
} from './folder-functions.ts';
import { type ComputeFunctions, createComputeServices } from './google/compute-services.ts';
import type { StorageFunctions } from './google/storage/storage-functions.ts';
import { createGrpcDoor } from './grpc.ts';
import { type Listener, listen, type ServerCertificate } from './listener.ts';
import { type AttachmentFunctions, attachmentService } from './obraz/attachment-service.ts';
import { type AuditListFunctions, auditService } from './obraz/audit-service.ts';
import { type DigestFunctions, imageDigestService } from './obraz/image-digest-service.ts';
import { type NodeFunctions, nodeService } from './obraz/node-service.ts';
import { type PoolFunctions, poolService } from './obraz/pool-service.ts';
import { type QuotaFunctions, quotaService } from './obraz/quota-service.ts';
import { type StoreFunctions, storeService } from './obraz/store-service.ts';
import { type EndingFunctions, tokenService } from './obraz/token-service.ts';
import { type UploadFunctions, uploadService } from './obraz/upload-service.ts';
import type { ContentFunctions } from './rest/image-content.ts';
import type { MetricsText } from './rest/metrics-route.ts';
import { createRestDoor } from './rest/rest-server.ts';
import type { S3Functions } from './s3/s3-call.ts';
import { type UnsentLimits, UnsentReplies, unsentLimits } from './unsent-replies.ts';
import { createRequestValidator } from './validate-request.ts';
import type { BindingFunctions } from './yandex/access-binding-handlers.ts';
import { type AccessKeyFunctions, accessKeyService } from './yandex/access-key-service.ts';
import { apiEndpointService } from './yandex/api-endpoint-service.ts';
import { type CloudFunctions, cloudService } from './yandex/cloud-service.ts';
import { type DiskFunctions, diskService } from './yandex/disk-service.ts';
import { diskTypeService } from './yandex/disk-type-service.ts';
import { type FolderFunctions, folderService } from './yandex/folder-service.ts';
import { iamTokenService, type TokenFunctions } from './yandex/iam-token-service.ts';
import { type ImageFunctions, imageService } from './yandex/image-service.ts';
import { type KeyFunctions, keyService } from './yandex/key-service.ts';
import { type OperationFunctions, operationService } from './yandex/operation-service.ts';
import { type ServiceAccountFunctions, serviceAccountService } from './yandex/service-account-service.ts';
import { type SnapshotFunctions, snapshotService } from './yandex/snapshot-service.ts';
import { type UserFunctions, userAccountServices } from './yandex/user-account-service.ts';
import { zoneService } from './yandex/zone-service.ts';

/** What the API needs, with everything below it already bound. */
export interface ApiDeps extends AuthorizationDeps {
  readonly log: Logger;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
  /** The operation that this same request started when it came first, if it has an idempotency key and did. */
  findStarted(caller: Caller): Promise<Operation | undefined>;
  readonly audit: AuditFunctions & AuditListFunctions;
  readonly folderOf: FolderOf;
  readonly tokens: TokenFunctions & EndingFunctions;
  readonly accounts: ServiceAccountFunctions & KeyFunctions & AccessKeyFunctions;
  readonly users: UserFunctions;
  /** HOST:PORT where clients are told to find the API; undefined for wherever they came to. */
  readonly publicAddress: string | undefined;
  readonly images: ImageFunctions & ContentFunctions & DigestFunctions & FolderImageFunctions;
  readonly disks: DiskFunctions & FolderDiskFunctions;
  readonly snapshots: SnapshotFunctions & FolderSnapshotFunctions;
  readonly attachments: AttachmentFunctions;
  readonly catalog: Catalog;
  readonly operations: OperationFunctions & FolderOperationFunctions;
  readonly uploads: UploadFunctions;
  readonly storage: StorageFunctions & S3Functions;
  readonly store: StoreFunctions;
  readonly pool: PoolFunctions;
  readonly nodes: NodeFunctions;
  readonly quotas: Omit<QuotaFunctions, 'getCloud'>;
  readonly folders: FolderFunctions & CloudFunctions;
  readonly bindings: BindingFunctions;
  readonly compute: ComputeFunctions;
  /** What calls may take of the process; the usual when it is not said. */
  readonly limits?: Partial<ApiLimits>;
  /** What is served as /metrics. */
  readonly metrics?: MetricsText;
}

/** Of calls, of files that are being sent to us, of contents that are being read, and of replies that nobody takes. */
export interface ApiLimits {
  readonly calls: CallLimits;
  readonly bodies: CallLimits;
  readonly contents: CallLimits;
  readonly unsent: UnsentLimits;
}

export interface ListenOptions {
  readonly address: HostPort;
  readonly certificate: ServerCertificate;
  /** Shown to who asks for the installation by its name: lib/installation-name.ts. */
  readonly installationCertificate?: ServerCertificate;
  /** Take plain connections from other machines, too. */
  readonly plaintext: boolean;
  /** What the port serves. */
  readonly doors: 'both' | 'grpc' | 'rest';
}

/** What there is now, and what was answered since the start. */
export interface ApiFigures {
  readonly calls: CallGateFigures;
  /** Files that are being sent to us, and contents that are being read. */
  readonly bodies: CallGateFigures;
  readonly contents: CallGateFigures;
  readonly ended: Pick<CallFigures, 'methods' | 'reasons'>;
  /** Replies that their clients have not taken. */
  readonly unsent: ReturnType<UnsentReplies['figures']>;
  /** `all` with those that have not said yet what they speak. */
  readonly connections: { readonly all: number; readonly grpc: number; readonly rest: number };
}

/** The API's doors. Nothing is served before `listen`, which may be called once for each port. */
export interface Api {
  /** Returns the address with the port that was really taken. Throws what the system says of the address. */
  listen(options: ListenOptions): Promise<HostPort>;
  figures(): ApiFigures;
  /** For connections from now on, on all ports. */
  setCertificate(certificate: ServerCertificate): void;
  /**
   * In phases: no new connections, and health says so; running calls end, for at most `graceMs`; the rest is cut.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

export async function createApi(deps: ApiDeps): Promise<Api> {
  const { log, authenticate, authorize, audit, findStarted, folderOf, bindings } = deps;
  const listeners: Listener[] = [];
  const services = [
    imageService(deps.images, bindings, folderOf),
    diskService(deps.disks, bindings, folderOf),
    snapshotService(deps.snapshots, bindings, folderOf),
    diskTypeService(deps.catalog),
    zoneService(deps.catalog),
    attachmentService(deps.attachments, folderOf),
    operationService(deps.operations),
    imageDigestService(deps.images),
    uploadService(deps.uploads),
    tokenService(deps.tokens),
    storeService(deps.store),
    poolService(deps.pool),
    nodeService(deps.nodes),
    auditService(audit),
    quotaService({ ...deps.quotas, getCloud: deps.folders.getCloud }),
    apiEndpointService({ publicAddress: deps.publicAddress, ownAddress: () => ownAddress(listeners) }),
    iamTokenService(deps.tokens),
    serviceAccountService(deps.accounts),
    keyService(deps.accounts),
    accessKeyService(deps.accounts),
    ...userAccountServices(deps.users),
    cloudService(deps.folders, bindings),
    folderService(deps.folders, bindings),
  ];
  const computeServices = createComputeServices(deps);
  const requests = [...services, ...computeServices].flatMap(({ methods }) => methods.map(({ desc }) => desc.input));
  const { validate, warm } = createRequestValidator();
  const figures = new CallFigures();
  const limits = {
    calls: callLimits,
    bodies: bodyLimits,
    contents: contentLimits,
    unsent: unsentLimits,
    ...deps.limits,
  };
  const calls = new CallGate(limits.calls);
  const bodies = new CallGate(limits.bodies);
  const contents = new CallGate(limits.contents);
  const unsent = new UnsentReplies(limits.unsent);
  const pipeline = { log, figures, calls, authenticate, authorize, audit, findStarted, validate };
  const grpc = createGrpcDoor({ ...pipeline, unsent }, services);
  const rest = await createRestDoor(
    {
      ...pipeline,
      bodies,
      contents,
      unsent,
      metrics: deps.metrics,
      content: deps.images,
      uploads: deps.uploads,
      storage: deps.storage,
      tokens: deps.tokens,
    },
    services,
    computeServices,
  );
  return {
    async listen({ doors, ...options }) {
      const listener = await listen({
        ...options,
        grpc: doors === 'rest' ? undefined : grpc,
        rest: doors === 'grpc' ? undefined : rest,
        log,
      });
      // Behind the first listen, so that it does not make the start longer.
      if (listeners.push(listener) === 1) void warm(requests);
      return listener.address;
    },

    figures: () => ({
      calls: calls.figures(),
      bodies: bodies.figures(),
      contents: contents.figures(),
      ended: figures,
      unsent: unsent.figures(),
      connections: {
        all: listeners.reduce((total, { openCount }) => total + openCount, 0),
        grpc: grpc.openCount,
        rest: rest.openCount,
      },
    }),

    setCertificate(certificate) {
      for (const listener of listeners) listener.setCertificate(certificate);
    },

    async close({ graceMs }) {
      for (const listener of listeners) listener.stopAccepting();
      grpc.stopServing();
      rest.stopServing();
      await Promise.all([grpc.close({ graceMs }), rest.close({ graceMs })]);
      for (const listener of listeners) listener.destroyConnections();
      unsent[Symbol.dispose]();
    },
  };
}

/** Where clients on this machine reach the first port. */
function ownAddress([first]: readonly Listener[]): string {
  if (first === undefined) throw new Error('a call came in before a port was taken');
  const { host, port } = first.address;
  return formatHostPort({ host: isWildcard(host) ? 'localhost' : host, port });
}
