import { invalidField, ServiceError } from '../../../errors.ts';
import { type Checksum, checksumAlgorithms } from '../../../uploads/append-to-upload.ts';
import type { HeaderLookup } from '../../request-ids.ts';

/** The headers of the tus protocol, version 1.0: https://tus.io/protocols/resumable-upload */

export const tusVersion = '1.0.0';
export const tusExtensions = 'creation,creation-with-upload,termination,expiration,checksum';
/** Of a body that is a part of a file. */
export const offsetType = 'application/offset+octet-stream';

/** Throws what the protocol wants for a client that does not say that it speaks this version. */
export function checkVersion(header: HeaderLookup): void {
  const version = header('tus-resumable');
  if (version === tusVersion) return;
  const known = version === undefined ? 'is missing' : 'names a version that is not spoken here';
  throw new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'TUS_VERSION',
    message: `The header Tus-Resumable ${known}: this is tus ${tusVersion}`,
  });
}

/** The declared length. One that no number holds is longer than anything that is taken. */
export function readUploadLength(header: HeaderLookup): number {
  if (header('upload-concat') !== undefined) throw invalidField('Upload-Concat', 'parts are not put together here');
  const length = readWholeNumber(header, 'Upload-Length');
  if (length === undefined) throw invalidField('Upload-Length', 'is required: the length must be known from the start');
  return length;
}

export function readUploadOffset(header: HeaderLookup): number {
  const offset = readWholeNumber(header, 'Upload-Offset');
  if (offset === undefined) throw invalidField('Upload-Offset', 'is required');
  return offset;
}

/** Undefined when the body comes in chunks, or there is none. */
export function readBodyLength(header: HeaderLookup): number | undefined {
  return readWholeNumber(header, 'Content-Length');
}

/** `sha256 BASE64`. Throws INVALID_ARGUMENT for an algorithm that is not known, and for what cannot be its value. */
export function readChecksum(header: HeaderLookup): Checksum | undefined {
  const text = header('upload-checksum');
  if (text === undefined) return undefined;
  const [, name, base64 = ''] = /^(\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const algorithm = checksumAlgorithms.find((known) => known === name);
  if (algorithm === undefined) {
    throw invalidField('Upload-Checksum', `must be one of ${checksumAlgorithms.join(', ')}, a space, and base64`);
  }
  return { algorithm, value: Buffer.from(base64, 'base64') };
}

/** Throws what a body of another type is answered with. */
export function checkOffsetType(header: HeaderLookup): void {
  if (isOffsetType(header)) return;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'UPLOAD_CONTENT_TYPE',
    message: `The content type of a part of a file is ${offsetType}`,
  });
}

export function isOffsetType(header: HeaderLookup): boolean {
  return header('content-type')?.toLowerCase() === offsetType;
}

function readWholeNumber(header: HeaderLookup, name: string): number | undefined {
  const text = header(name.toLowerCase());
  if (text === undefined) return undefined;
  if (!/^\d{1,30}$/.test(text)) throw invalidField(name, 'must be a whole number of bytes');
  return Number(text);
}
