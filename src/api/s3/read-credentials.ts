import { s3Error } from './s3-error.ts';
import { headerOf, parameterOf, type S3Request } from './s3-request.ts';
import { algorithm, type Scope } from './signature-v4.ts';

/** What a request says of its signature. Nothing of it is checked but its form. */
export interface Credentials {
  readonly keyId: string;
  readonly scope: Scope;
  /** YYYYMMDDTHHMMSSZ, as it was signed. */
  readonly time: string;
  readonly signedAt: Date;
  /** Of a link: for how long it is good, in seconds. */
  readonly expiresSeconds: number | undefined;
  /** Lower-case, in order. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** What the client says of the body: its SHA-256, or how it comes. */
  readonly bodyHash: string;
}

const maxLinkSeconds = 7 * 24 * 3600;

/** Reads the `authorization` header, or the query of a link. Throws what S3 says of a malformed one. */
export function readCredentials(request: S3Request): Credentials {
  const header = headerOf(request, 'authorization');
  return header === undefined ? readLink(request) : readHeader(request, header);
}

function readHeader(request: S3Request, header: string): Credentials {
  if (!header.startsWith(`${algorithm} `)) {
    throw s3Error('InvalidRequest', `Please use ${algorithm}: no other algorithm is known here.`);
  }
  const parts = new Map<string, string>();
  for (const part of header.slice(algorithm.length).split(',')) {
    const [, name, value] = /^\s*(\w+)=(\S+)\s*$/.exec(part) ?? [];
    if (name !== undefined && value !== undefined) parts.set(name, value);
  }
  const wanted = ['Credential', 'SignedHeaders', 'Signature'].map((name) => parts.get(name) ?? '');
  const [credential = '', signedHeaders = '', signature = ''] = wanted;
  const bodyHash = headerOf(request, 'x-amz-content-sha256');
  if (bodyHash === undefined) {
    throw s3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  const time = headerOf(request, 'x-amz-date') ?? timeOf(headerOf(request, 'date'));
  return read({ credential, signedHeaders, signature, time, bodyHash }, (message) =>
    s3Error('AuthorizationHeaderMalformed', `The authorization header is malformed; ${message}`),
  );
}

function readLink(request: S3Request): Credentials {
  const wrong = (message: string) => s3Error('AuthorizationQueryParametersError', message);
  if (parameterOf(request, 'X-Amz-Algorithm') !== algorithm) {
    throw wrong(`X-Amz-Algorithm only supports "${algorithm}"`);
  }
  const expires = parameterOf(request, 'X-Amz-Expires') ?? '';
  const expiresSeconds = /^\d{1,6}$/.test(expires) ? Number(expires) : 0;
  if (expiresSeconds < 1 || expiresSeconds > maxLinkSeconds) {
    throw wrong(`X-Amz-Expires must be between 1 and ${maxLinkSeconds} seconds`);
  }
  const given = {
    credential: parameterOf(request, 'X-Amz-Credential') ?? '',
    signedHeaders: parameterOf(request, 'X-Amz-SignedHeaders') ?? '',
    signature: parameterOf(request, 'X-Amz-Signature') ?? '',
    time: parameterOf(request, 'X-Amz-Date') ?? '',
    bodyHash: headerOf(request, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
  };
  return { ...read(given, wrong), expiresSeconds };
}

function read(
  given: Readonly<Record<'credential' | 'signedHeaders' | 'signature' | 'time' | 'bodyHash', string>>,
  wrong: (message: string) => Error,
): Credentials {
  const [keyId = '', day = '', region = '', service, end, ...more] = given.credential.split('/');
  if (service !== 's3' || end !== 'aws4_request' || more.length > 0 || !/^\d{8}$/.test(day) || region === '') {
    throw wrong('the Credential must be KEY_ID/YYYYMMDD/REGION/s3/aws4_request.');
  }
  const signedAt = dateOf(given.time);
  if (signedAt === undefined || !given.time.startsWith(day)) {
    throw wrong('the time must be YYYYMMDDTHHMMSSZ, and of the day in the Credential.');
  }
  const signedHeaders = given.signedHeaders.split(';');
  if (!signedHeaders.includes('host') || given.signedHeaders !== given.signedHeaders.toLowerCase()) {
    throw wrong('the SignedHeaders must be in lower case, and have host.');
  }
  if (!/^[0-9a-f]{64}$/.test(given.signature)) throw wrong('the Signature must have 64 hexadecimal digits.');
  const { time, signature, bodyHash } = given;
  return {
    keyId,
    scope: { day, region },
    time,
    signedAt,
    expiresSeconds: undefined,
    signedHeaders,
    signature,
    bodyHash,
  };
}

function dateOf(time: string): Date | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second] = parts;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A date as HTTP has it, in the form that signatures have; '' for anything else. */
function timeOf(text: string | undefined): string {
  const date = new Date(text ?? '');
  if (Number.isNaN(date.getTime())) return '';
  return date.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
}
