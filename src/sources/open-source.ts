import { uploadIdOf } from '../lib/upload-uri.ts';
import { type HttpSourceOptions, openHttpSource } from './open-http-source.ts';
import type { Source } from './source.ts';
import { parseUri } from './source-uri.ts';
import { type FindUploadedFile, openUploadSource } from './upload-source.ts';

/** What every kind of source is opened with; the address says which kind it is. */
export interface SourceOptions extends Omit<HttpSourceOptions, 'uri'> {
  readonly findUploadedFile: FindUploadedFile;
}

/**
 * Opens the file at an address for reading: http, https, or an upload to this service. Other schemes are refused by
 * `parseUri`, before anything is looked up or connected to.
 *
 * @throws SourceFailed; the signal's reason when it aborts
 */
export async function openSource(uri: string, options: SourceOptions): Promise<Source> {
  const { href } = parseUri(uri);
  const uploadId = uploadIdOf(href);
  if (uploadId !== undefined) return await openUploadSource({ ...options, uploadId });
  return await openHttpSource({ ...options, uri: href });
}
