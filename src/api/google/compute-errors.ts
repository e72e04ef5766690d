import { ServiceError } from '../../errors.ts';

/** The sentences of the public service, which its clients and their users know. */

/** Values of callers are shown up to this length. */
const maxShown = 256;

/** `field` is the path as the public service names it: `resource.name`. */
export function invalidValue(field: string, value: string, remedy: string): ServiceError {
  const shown = value.length > maxShown ? `${value.slice(0, maxShown)}…` : value;
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_VALUE',
    message: `Invalid value for field '${field}': '${shown}'. ${remedy}`,
    fields: [{ field, description: remedy }],
  });
}

export function malformed(what: string): ServiceError {
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'MALFORMED_REQUEST',
    message: `Invalid JSON payload received. ${what}`,
  });
}

export function malformedUrl(field: string, url: string): ServiceError {
  return invalidValue(field, url, 'The URL is malformed.');
}

/** @param path `projects/P/global/images/I` */
export function resourceNotFound(path: string): ServiceError {
  return new ServiceError({
    code: 'NOT_FOUND',
    reason: 'RESOURCE_NOT_FOUND',
    message: `The resource '${path}' was not found`,
  });
}

/** The labels were changed since the caller looked, or he did not say which ones he saw. */
export function staleFingerprint(): ServiceError {
  return new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'CONDITION_NOT_MET',
    message: 'Labels fingerprint either invalid or resource labels have changed',
  });
}

/** Requests of a form that is refused whatever their values. */
export function invalidUsage(what: string): ServiceError {
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_USAGE',
    message: `Invalid resource usage: '${what}'.`,
  });
}

/** What a call is about, for its errors. */
export interface About {
  /** The resource, or the place of what is to be: `projects/P/global/images/I`. */
  readonly path: string;
  /** What it takes to do it. */
  readonly permission: string;
}

/** Does the work; what it throws that the public service has words of its own for is told in them. */
export async function told<T>({ path, permission }: About, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ServiceError ? inPublicWords(error, path, permission) : error;
  }
}

function inPublicWords(error: ServiceError, path: string, permission: string): ServiceError {
  const { code, reason, fields, quota } = error;
  const say = (message: string) =>
    new ServiceError({ code, reason, message, fields, ...(quota === undefined ? {} : { quota }), cause: error });
  switch (code) {
    case 'NOT_FOUND':
      return say(`The resource '${path}' was not found`);
    case 'ALREADY_EXISTS':
      return say(`The resource '${path}' already exists`);
    case 'PERMISSION_DENIED':
      return say(`Required '${permission}' permission for '${path}'`);
    case 'RESOURCE_EXHAUSTED':
      return quota === undefined ? error : say(quotaSentence(quota.name, quota.limit));
    case 'FAILED_PRECONDITION':
      return reason === 'DISK_IN_USE'
        ? say(`The disk resource '${path}' is already being used by an attachment: end that first`)
        : error;
    case 'INVALID_ARGUMENT':
      return inPublicFields(error);
    default:
      return error;
  }
}

/** What the public service calls the fields that the core may find wrong. */
const publicFields: ReadonlyMap<string, string> = new Map([
  ['block_size', 'resource.physicalBlockSizeBytes'],
  ['initial_state', 'resource.shieldedInstanceInitialState'],
  ['min_disk_size', 'resource.diskSizeGb'],
  ['size', 'resource.sizeGb'],
  ['type_id', 'resource.type'],
  ['uri', 'resource.rawDisk.source'],
]);

function inPublicFields(error: ServiceError): ServiceError {
  const [wrong] = error.fields;
  const field = publicFields.get(wrong?.field ?? '');
  if (wrong === undefined || field === undefined) return error;
  const { code, reason } = error;
  const { description } = wrong;
  const message = `Invalid value for field '${field}': ${description}`;
  return new ServiceError({ code, reason, message, fields: [{ field, description }], cause: error });
}

export function quotaSentence(name: string, limit: number): string {
  return `Quota '${name}' exceeded.  Limit: ${limit} globally.`;
}
