import type { HttpSource } from './http-source.ts';
import { type HttpSourceOptions, openHttpSource } from './open-http-source.ts';
import { parseUri } from './source-uri.ts';

/** What every kind of source is opened with; the address says which kind it is. */
export type SourceOptions = Omit<HttpSourceOptions, 'uri'>;

/**
 * Opens the file at an address for reading. Today every address is http or https; other schemes are refused by
 * `parseUri`, before anything is looked up or connected to.
 *
 * @throws SourceFailed; the signal's reason when it aborts
 */
export async function openSource(uri: string, options: SourceOptions): Promise<HttpSource> {
  return await openHttpSource({ ...options, uri: parseUri(uri).href });
}
