import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { AuditRetention } from './audit/forget-audit.ts';
import type { S3Settings } from './blobs/s3/s3-settings.ts';
import { parseByteSize } from './cli/byte-size.ts';
import type { ClientEnvironment } from './cli/find-server.ts';
import type { ConfigProblem, Environment } from './config-problem.ts';
import { readS3Settings } from './config-s3.ts';
import {
  type LogLevel,
  logLevels,
  parseAddress,
  parseAuditDays,
  parseAuditRecords,
  parseBaseUrl,
  parseFlag,
  parseHost,
  parseHours,
  parseLogLevel,
  parseQuota,
  parseSource,
} from './config-values.ts';
import { defaultDiskTypeIds, isDiskTypeId } from './disks/disk-type.ts';
import { defaultZoneIds, isZoneId } from './disks/zone.ts';
import type { CertificatePaths } from './installation/certificate-files.ts';
import { type HostPort, parseHostPort } from './lib/host-port.ts';
import { isRole, type Role, roles } from './nodes/role.ts';
import { type QuotaName, quotaNames, usualQuota } from './quotas/quota.ts';

/** How the service runs: flags over environment over defaults, checked once; nothing downstream sees an optional. */
export interface Config {
  /** What the user's shell runs us by, when it is known: `./bin/obraz`, or the path of a link to it. */
  readonly invokedAs: string | undefined;
  /** The directory that the user's shell is in: npm changes ours, and says what it was. */
  readonly startedFrom: string;
  /** Absolute path of the data directory. */
  readonly dataDirectory: string;
  /** The PostgreSQL database that keeps the metadata; without one it is in a file of the data directory. */
  readonly databaseUrl: string | undefined;
  /** The S3 bucket that keeps the packs; without one they are in the data directory. */
  readonly s3: S3Settings | undefined;
  /** What copies of the S3 bucket's packs may take of the disk; undefined for a share of it. */
  readonly cacheBytes: number | undefined;
  /** How long all uploads may be together; undefined for what there is room for, in a bucket for a usual limit. */
  readonly uploadsBytes: number | undefined;
  /** What this process does; all of it when it is alone. */
  readonly roles: readonly Role[];
  /** The port that serves TLS and plain, gRPC and REST. */
  readonly listen: HostPort;
  /** The port of NBD, for attached disks. */
  readonly nbd: HostPort;
  /** Where clients are told to find it; undefined for where it listens. */
  readonly nbdAddress: HostPort | undefined;
  /** A port for gRPC alone and one for REST alone, for sites whose proxies cannot share one. */
  readonly grpc: HostPort | undefined;
  readonly rest: HostPort | undefined;
  /** A port for the figures of the process alone, open to whoever reaches it. */
  readonly metrics: HostPort | undefined;
  /** Where clients are told to find every part of the API; undefined for wherever they came to. */
  readonly publicAddress: HostPort | undefined;
  /** The operator's own certificate and key, as absolute paths; without them the installation makes its own. */
  readonly certificate: CertificatePaths | undefined;
  /** Absolute path of the file that makes users known. */
  readonly usersPath: string | undefined;
  /** Names for the server certificate besides localhost, the loopback addresses and the listen host. */
  readonly tlsNames: readonly string[];
  /** Plain connections from other machines, too; from this one they are always taken. */
  readonly plaintext: boolean;
  /** Sources that imports may read besides public addresses: `HOST[:PORT]` or a CIDR. */
  readonly allowSources: readonly string[];
  /** The address of the object store that has the buckets which are not kept here, without a slash at its end. */
  readonly objectStore: string;
  /** What the URLs of resources begin with in the Compute API, where clients insist on the public service's; ends with /. */
  readonly linkBase: string;
  /** The zones and the types that disks may be asked for in; neither is empty. */
  readonly zones: readonly string[];
  readonly diskTypes: readonly string[];
  /** How long content that no image needs any more is kept: longer than the newest backup of the metadata is old. */
  readonly keepDeletedMs: number;
  /** What pooled images may take of the disk; undefined for a share of it. */
  readonly poolBytes: number | undefined;
  /** What a cloud may use that has no limits of its own; every quota is in it. */
  readonly quotas: ReadonlyMap<QuotaName, number>;
  /** How much is kept of who did what. */
  readonly auditRetention: AuditRetention;
  readonly logLevel: LogLevel;
}

/** The flags of `obraz serve` as the command line gives them. */
export interface ServeFlags {
  readonly data?: string;
  readonly role?: readonly string[];
  readonly listen?: string;
  readonly nbd?: string;
  readonly nbdAddress?: string;
  readonly grpc?: string;
  readonly rest?: string;
  readonly metrics?: string;
  readonly publicAddress?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly users?: string;
  readonly tlsName?: readonly string[];
  readonly plaintext?: boolean;
  readonly allowSource?: readonly string[];
  readonly objectStore?: string;
  readonly linkBase?: string;
  readonly zone?: readonly string[];
  readonly diskType?: readonly string[];
  readonly keepDeleted?: string;
  readonly cacheSize?: string;
  readonly uploadsSize?: string;
  readonly poolSize?: string;
  readonly quota?: readonly string[];
  readonly auditDays?: string;
  readonly auditRecords?: string;
  readonly logLevel?: string;
}

/** The configuration cannot be used; `problems` has all that is wrong with it, not the first only. */
export class ConfigInvalid extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ setting, value, remedy }) =>
      value === undefined ? `  ${setting}: ${remedy}` : `  ${setting} ${JSON.stringify(value)}: ${remedy}`,
    );
    super(`the configuration cannot be used:\n${lines.join('\n')}`);
    this.name = 'ConfigInvalid';
    this.problems = problems;
  }
}

export const defaultDataDirectory = './.obraz';
const defaultListen: HostPort = { host: '127.0.0.1', port: 8443 };
const defaultObjectStore = 'https://storage.googleapis.com';
const defaultLinkBase = 'https://www.googleapis.com/compute/v1';
const hourMs = 3_600_000;
const defaultKeepDeletedMs = 24 * hourMs;
const defaultAuditDays = 365;
const defaultAuditRecords = 250_000;
const defaultNbd: HostPort = { host: '127.0.0.1', port: 10809 };

/** The one Config of `obraz serve`. Throws ConfigInvalid with every problem there is. */
export function readConfig(flags: ServeFlags, environment: Environment = process.env): Config {
  const problems: ConfigProblem[] = [];
  const read = <T>(setting: Setting | undefined, parse: (text: string) => T | undefined, remedy: string) => {
    if (setting === undefined) return undefined;
    const value = parse(setting.value);
    if (value === undefined) problems.push({ setting: setting.name, value: setting.value, remedy });
    return value;
  };
  const one = (flag: string, given: string | undefined, variable: string): Setting | undefined =>
    given === undefined ? pick(environment, variable) : { name: flag, value: given };
  const address = (flag: string, given: string | undefined, variable: string, example: string) =>
    read(one(flag, given, variable), parseHostPort, `give HOST:PORT, for example ${example}; IPv6 in brackets`);
  const many = (flag: string, given: readonly string[] | undefined, variable: string) =>
    pickMany(environment, flag, given, variable);
  /** What is given, each once; the defaults when nothing is. */
  const names = (
    given: readonly Setting[],
    isName: (text: string) => boolean,
    remedy: string,
    defaults: readonly string[],
  ) => {
    const known = given.flatMap((setting) => read(setting, (text) => (isName(text) ? text : undefined), remedy) ?? []);
    return given.length === 0 ? defaults : [...new Set(known)];
  };

  const databaseUrl = readDatabaseUrl(environment, problems);
  const listen = address('--listen', flags.listen, 'OBRAZ_LISTEN', '127.0.0.1:8443') ?? defaultListen;
  const s3 = readS3Settings(environment, problems);
  const givenRoles = many('--role', flags.role, 'OBRAZ_ROLE');
  if (givenRoles.length > 0 && (databaseUrl === undefined || s3 === undefined)) {
    const remedy =
      'is for one of several processes: they share a database and a bucket, OBRAZ_DATABASE_URL and OBRAZ_BLOBS';
    problems.push({ setting: givenRoles[0]?.name ?? '--role', value: undefined, remedy });
  }
  const config: Config = {
    invokedAs: environment.OBRAZ_INVOKED_AS || undefined,
    startedFrom: environment.INIT_CWD || process.cwd(),
    dataDirectory: resolve(one('--data', flags.data, 'OBRAZ_DATA')?.value ?? defaultDataDirectory),
    databaseUrl,
    s3,
    roles: names(givenRoles, isRole, `give ${roles.join(', ')}`, roles).filter(isRole),
    listen,
    nbd: address('--nbd', flags.nbd, 'OBRAZ_NBD', '127.0.0.1:10809') ?? nbdBeside(listen),
    nbdAddress: address('--nbd-address', flags.nbdAddress, 'OBRAZ_NBD_ADDRESS', 'node-3.example.com:10809'),
    grpc: address('--grpc', flags.grpc, 'OBRAZ_GRPC', '127.0.0.1:8444'),
    rest: address('--rest', flags.rest, 'OBRAZ_REST', '127.0.0.1:8445'),
    metrics: address('--metrics', flags.metrics, 'OBRAZ_METRICS', '10.0.0.5:9464'),
    publicAddress: read(
      one('--public-address', flags.publicAddress, 'OBRAZ_PUBLIC_ADDRESS'),
      parseAddress,
      'give HOST or HOST:PORT, for example images.example.com:443; IPv6 in brackets',
    ),
    certificate: readCertificatePaths(
      one('--tls-cert', flags.tlsCert, 'OBRAZ_TLS_CERT'),
      one('--tls-key', flags.tlsKey, 'OBRAZ_TLS_KEY'),
      problems,
    ),
    usersPath: resolved(one('--users', flags.users, 'OBRAZ_USERS')),
    tlsNames: many('--tls-name', flags.tlsName, 'OBRAZ_TLS_NAME').flatMap(
      (name) => read(name, parseHost, 'give a host name or an address, without a port') ?? [],
    ),
    plaintext: flags.plaintext ?? read(pick(environment, 'OBRAZ_PLAINTEXT'), parseFlag, 'give true or false') ?? false,
    allowSources: many('--allow-source', flags.allowSource, 'OBRAZ_ALLOW_SOURCE').flatMap(
      (source) => read(source, parseSource, 'give HOST, HOST:PORT or a CIDR, for example 10.0.0.0/8') ?? [],
    ),
    objectStore:
      read(
        one('--object-store', flags.objectStore, 'OBRAZ_OBJECT_STORE'),
        parseBaseUrl,
        'give the address that /BUCKET/OBJECT is put behind, for example https://storage.example.com; without ?, # and @',
      ) ?? defaultObjectStore,
    linkBase: `${
      read(
        one('--link-base', flags.linkBase, 'OBRAZ_LINK_BASE'),
        parseBaseUrl,
        'give an address that ends with /compute/v1, for example https://images.example.com/compute/v1',
      ) ?? defaultLinkBase
    }/`,
    zones: names(
      many('--zone', flags.zone, 'OBRAZ_ZONE'),
      isZoneId,
      'give REGION-LETTER, for example ru-central1-a',
      defaultZoneIds,
    ),
    diskTypes: names(
      many('--disk-type', flags.diskType, 'OBRAZ_DISK_TYPE'),
      isDiskTypeId,
      'give a name of a-z, 0-9 and -, for example network-ssd',
      defaultDiskTypeIds,
    ),
    keepDeletedMs:
      read(
        one('--keep-deleted', flags.keepDeleted, 'OBRAZ_KEEP_DELETED'),
        parseHours,
        'give a number of hours, for example 24; 0 gives space back at once',
      ) ?? defaultKeepDeletedMs,
    cacheBytes: read(
      one('--cache-size', flags.cacheSize, 'OBRAZ_CACHE_SIZE'),
      parseByteSize,
      'give a size, for example 20GB; 0 keeps no copies',
    ),
    uploadsBytes: read(
      one('--uploads-size', flags.uploadsSize, 'OBRAZ_UPLOADS_SIZE'),
      parseByteSize,
      'give a size, for example 500GB',
    ),
    poolBytes: read(
      one('--pool-size', flags.poolSize, 'OBRAZ_POOL_SIZE'),
      parseByteSize,
      'give a size, for example 20GB; 0 keeps no image ready',
    ),
    auditRetention: {
      keepMs:
        24 *
        hourMs *
        (read(
          one('--audit-days', flags.auditDays, 'OBRAZ_AUDIT_DAYS'),
          parseAuditDays,
          'give a number of days, at least 1',
        ) ?? defaultAuditDays),
      maxRecords:
        read(
          one('--audit-records', flags.auditRecords, 'OBRAZ_AUDIT_RECORDS'),
          parseAuditRecords,
          'give a number of at least 1000',
        ) ?? defaultAuditRecords,
    },
    quotas: new Map([
      ...quotaNames.map((name) => [name, usualQuota(name)] as const),
      ...many('--quota', flags.quota, 'OBRAZ_QUOTA').flatMap((quota) => {
        const parsed = read(quota, parseQuota, `give NAME=NUMBER, or NAME=SIZE for bytes, of ${quotaNames.join(', ')}`);
        return parsed === undefined ? [] : [parsed];
      }),
    ]),
    logLevel:
      read(one('--log-level', flags.logLevel, 'OBRAZ_LOG_LEVEL'), parseLogLevel, `give ${logLevels.join(', ')}`) ??
      'info',
  };
  if (problems.length > 0) throw new ConfigInvalid(problems);
  return Object.freeze(config);
}

/** What the environment says to the client commands. */
export function readClientEnvironment(environment: Environment = process.env): ClientEnvironment {
  return Object.freeze({
    invokedAs: environment.OBRAZ_INVOKED_AS || 'obraz',
    data: environment.OBRAZ_DATA || undefined,
    endpoint: environment.OBRAZ_ENDPOINT || undefined,
    ca: environment.OBRAZ_CA || undefined,
    token: environment.OBRAZ_TOKEN || undefined,
    serviceAccountKeyFile: environment.OBRAZ_SERVICE_ACCOUNT_KEY_FILE || undefined,
    folderId: environment.OBRAZ_FOLDER_ID || undefined,
    stateDirectory: join(stateHome(environment), 'obraz'),
  });
}

/** Where programs keep what should outlive them; a relative path there is no path (XDG Base Directory, 0.8). */
function stateHome({ XDG_STATE_HOME: given = '' }: Environment): string {
  return isAbsolute(given) ? given : join(homedir(), '.local', 'state');
}

/** A value and where it was written, for messages. */
interface Setting {
  readonly name: string;
  readonly value: string;
}

function pick(environment: Environment, variable: string): Setting | undefined {
  const value = environment[variable];
  return value ? { name: variable, value } : undefined;
}

/** Flags are repeated, variables are comma-separated; a flag replaces the variable, it does not add to it. */
function pickMany(
  environment: Environment,
  flag: string,
  given: readonly string[] | undefined,
  variable: string,
): Setting[] {
  if (given !== undefined && given.length > 0) return given.map((value) => ({ name: flag, value }));
  const items = (environment[variable] ?? '').split(',').map((item) => item.trim());
  return items.filter((item) => item !== '').map((value) => ({ name: variable, value }));
}

/** It may hold a password: a wrong one is not shown. */
function readDatabaseUrl(environment: Environment, problems: ConfigProblem[]): string | undefined {
  const url = pick(environment, 'OBRAZ_DATABASE_URL');
  if (url === undefined || /^postgres(ql)?:\/\/./.test(url.value)) return url?.value;
  problems.push({ setting: url.name, value: undefined, remedy: 'give postgres://USER:PASSWORD@HOST:PORT/DATABASE' });
  return undefined;
}

/** One without the other is of no use. */
function readCertificatePaths(
  certificate: Setting | undefined,
  key: Setting | undefined,
  problems: ConfigProblem[],
): CertificatePaths | undefined {
  if (certificate !== undefined && key !== undefined) {
    return { certificatePath: resolve(certificate.value), keyPath: resolve(key.value) };
  }
  if (certificate !== undefined) {
    problems.push({ setting: certificate.name, value: certificate.value, remedy: 'give its key, too: --tls-key' });
  }
  if (key !== undefined) {
    problems.push({ setting: key.name, value: key.value, remedy: 'give the certificate, too: --tls-cert' });
  }
  return undefined;
}

function resolved(setting: Setting | undefined): string | undefined {
  return setting === undefined ? undefined : resolve(setting.value);
}

/** A service on whatever port is free is one of several: its NBD port is, too. */
function nbdBeside({ port }: HostPort): HostPort {
  return port === 0 ? { ...defaultNbd, port: 0 } : defaultNbd;
}
