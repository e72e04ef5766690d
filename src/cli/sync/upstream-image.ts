import { resolveEntry } from './allowed-origins.ts';
import type { IndexFetcher } from './fetch-index.ts';
import type { FileDigest } from './file-digest.ts';
import { compareVersions, matchPattern } from './file-pattern.ts';
import type { FamilySource } from './image-list.ts';
import { newestItem, productsPath, streamBase } from './simplestreams.ts';
import { type ListedFile, readSumsFile } from './sums-file.ts';
import { UpstreamFailed } from './upstream-failed.ts';

/** The newest file of a family, as its publisher has it now. */
export interface UpstreamImage {
  readonly url: string;
  readonly digest: FileDigest;
  /** What the publisher calls this version; '' when only the digest tells one from another. */
  readonly version: string;
}

/** Finds out what is the newest of a family. Throws UpstreamFailed. */
export async function findUpstreamImage(
  source: FamilySource,
  { fetcher, origins }: { readonly fetcher: IndexFetcher; readonly origins: readonly string[] },
): Promise<UpstreamImage> {
  switch (source.kind) {
    case 'file':
      return { url: source.url, digest: source.digest, version: '' };
    case 'sums': {
      const { url: indexUrl, text } = await fetcher.fetch(source.url);
      const { name, digest, version } = newestListed(indexUrl, readSumsFile(text), source.file);
      return { url: resolveEntry(name, { indexUrl, base: indexUrl, origins }), digest, version };
    }
    case 'simplestreams': {
      const { product, item } = source;
      let document = await fetcher.fetch(source.url);
      const base = streamBase(document.url);
      const path = productsPath(document, product);
      if (path !== undefined) {
        document = await fetcher.fetch(resolveEntry(path, { indexUrl: document.url, base, origins }));
      }
      const newest = newestItem(document, product, item);
      const place = { indexUrl: document.url, base: path === undefined ? base : streamBase(document.url), origins };
      return { url: resolveEntry(newest.path, place), digest: newest.digest, version: newest.version };
    }
  }
}

/** Of the files that fit the pattern the one whose `*`s are greatest; of two digests of one file the SHA-256. */
function newestListed(url: string, files: readonly ListedFile[], pattern: string): ListedFile & { version: string } {
  let newest: (ListedFile & { version: string }) | undefined;
  for (const file of files) {
    const version = matchPattern(pattern, file.name)?.join('-');
    if (version === undefined) continue;
    const difference = newest === undefined ? 1 : compareVersions(version, newest.version);
    if (difference > 0 || (difference === 0 && file.digest.algorithm === 'sha256')) newest = { ...file, version };
  }
  if (newest === undefined) throw new UpstreamFailed(url, `lists no file ${JSON.stringify(pattern)} with its digest`);
  return newest;
}
