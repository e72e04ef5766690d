import { ServiceError, type StatusCode } from '../errors.ts';
import { ImageRefused } from '../formats/image-refused.ts';
import { explainStorageFailure } from '../resources/storage-lied.ts';
import type { DigestAlgorithm } from '../sources/hash-in-order.ts';
import { SourceFailed, type SourceFailure } from '../sources/source-failed.ts';
import type { FileForm } from '../wrappers/file-form.ts';
import { UnpackFailed } from '../wrappers/unpack-failed.ts';

/** The file at the source is not the one that was meant. */
export class SourceDigestWrong extends Error {
  readonly algorithm: DigestAlgorithm;

  constructor(
    url: string,
    found: { readonly algorithm: DigestAlgorithm; readonly expected: string; readonly actual: string },
  ) {
    super(
      `The file at ${url} has the ${digestNames[found.algorithm]} ${found.actual}; expected was ${found.expected}.`,
    );
    this.name = 'SourceDigestWrong';
    this.algorithm = found.algorithm;
  }
}

const digestNames: Readonly<Record<DigestAlgorithm, string>> = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' };

/** What each failure of a source is to the caller. A failure that may pass by itself is UNAVAILABLE before all that. */
const sourceFailureCodes: Readonly<Record<SourceFailure, StatusCode>> = {
  'uri-invalid': 'INVALID_ARGUMENT',
  'address-not-allowed': 'INVALID_ARGUMENT',
  'name-not-resolved': 'INVALID_ARGUMENT',
  unreachable: 'FAILED_PRECONDITION',
  'tls-failed': 'FAILED_PRECONDITION',
  'not-found': 'NOT_FOUND',
  forbidden: 'PERMISSION_DENIED',
  'server-error': 'FAILED_PRECONDITION',
  'bad-redirect': 'FAILED_PRECONDITION',
  changed: 'ABORTED',
  misbehaved: 'FAILED_PRECONDITION',
  interrupted: 'FAILED_PRECONDITION',
  'too-slow': 'FAILED_PRECONDITION',
  'too-big': 'INVALID_ARGUMENT',
  'no-space': 'RESOURCE_EXHAUSTED',
  'spool-failed': 'FAILED_PRECONDITION',
};

/**
 * An import's failure as the operation's error. What is not an import's own is left as it is.
 *
 * @param form which files were to be taken
 */
export function explainImportFailure(error: unknown, form: FileForm = 'any'): unknown {
  if (error instanceof ImageRefused && form === 'raw-tar-gz') return explainTarRefusal(error);
  if (error instanceof ImageRefused) {
    return new ServiceError({
      code: 'INVALID_ARGUMENT',
      reason: `IMAGE_REFUSED_${error.check.replaceAll(/[^a-z0-9]+/g, '_').toUpperCase()}`,
      message: `The file at the source is refused: ${error.message}`,
      fields: [{ field: 'uri', description: error.message }],
      cause: error,
    });
  }
  if (error instanceof SourceDigestWrong) {
    const description = `It is not the ${digestNames[error.algorithm]} of the file at the source.`;
    return new ServiceError({
      code: 'FAILED_PRECONDITION',
      reason: 'SOURCE_DIGEST_WRONG',
      message: error.message,
      fields: [{ field: `source_${error.algorithm}`, description }],
      cause: error,
    });
  }
  if (error instanceof SourceFailed) return explainSource(error);
  if (error instanceof UnpackFailed) {
    const code = error.kind === 'no-space' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
    const reason = `UNPACK_${error.kind.replaceAll('-', '_').toUpperCase()}`;
    return new ServiceError({ code, reason, message: error.message, fields: [], cause: error });
  }
  return explainStorageFailure(error);
}

/** The refusals whose own first sentence is one that clients look for; to any other the general one is said first. */
const knownTarRefusals: readonly string[] = ['tar.format', 'tar.disk-name'];

/** Clients of the public service know these refusals by their reason, and by a sentence that the message begins with. */
function explainTarRefusal(error: ImageRefused): ServiceError {
  const isKnown = knownTarRefusals.includes(error.check);
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_IMAGE_TAR',
    message: isKnown ? error.message : `The tar archive is not a valid image. ${error.message}`,
    fields: [{ field: 'uri', description: error.message }],
    cause: error,
  });
}

function explainSource(error: SourceFailed): ServiceError {
  const code = error.transient ? 'UNAVAILABLE' : sourceFailureCodes[error.kind];
  const reason = `SOURCE_FILE_${error.kind.replaceAll('-', '_').toUpperCase()}`;
  const description = error.remedy === undefined ? error.reason : `${error.reason} ${error.remedy}`;
  const fields = code === 'INVALID_ARGUMENT' ? [{ field: 'uri', description }] : [];
  return new ServiceError({ code, reason, message: error.message, fields, cause: error });
}
