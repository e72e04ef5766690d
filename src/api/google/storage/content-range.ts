import { invalidArgument } from './storage-query.ts';

/** What a request to a resumable upload brings: https://cloud.google.com/storage/docs/performing-resumable-uploads */
export type UploadPart =
  /** Nothing: it asks how far the upload is. `totalBytes` is undefined while its length is not known. */
  | { readonly kind: 'status'; readonly totalBytes: number | undefined }
  /** Bytes from `startBytes` on. With `isLast` the file ends with them, where its length is not known. */
  | {
      readonly kind: 'bytes';
      readonly startBytes: number;
      readonly totalBytes: number | undefined;
      readonly isLast: boolean;
    };

const shape = /^bytes\s+(?:(\d{1,19})-(\d{1,19}|\*)|\*)\/(\d{1,19}|\*)$/;

/** Reads `Content-Range`; without one the body is the whole file. Throws INVALID_ARGUMENT. */
export function readContentRange(text: string | undefined): UploadPart {
  if (text === undefined) return { kind: 'bytes', startBytes: 0, totalBytes: undefined, isLast: true };
  const [matched, first, last, total] = shape.exec(text.trim()) ?? [];
  if (matched === undefined) throw invalidArgument('Failed to parse Content-Range header.');
  const totalBytes = total === '*' ? undefined : Number(total);
  if (first === undefined) return { kind: 'status', totalBytes };
  const [startBytes, endBytes] = [Number(first), last === '*' ? undefined : Number(last)];
  const isOrdered = endBytes === undefined || (startBytes <= endBytes && endBytes < (totalBytes ?? Infinity));
  if (!isOrdered || startBytes > (totalBytes ?? Infinity))
    throw invalidArgument('Failed to parse Content-Range header.');
  return { kind: 'bytes', startBytes, totalBytes, isLast: endBytes === undefined && totalBytes === undefined };
}
