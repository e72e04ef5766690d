import type { Buckets } from './buckets.ts';
import { isVisible } from './get-object.ts';
import { compareBytes, cutNames, type NameQuery } from './name-page.ts';
import { listObjectRows } from './object-rows.ts';
import type { StoredObject } from './stored-object.ts';

export interface ListObjects extends NameQuery {
  readonly bucket: string;
  /** Objects whose names have it behind the prefix are shown as one: their name up to it. '' for none. */
  readonly delimiter: string;
  /** Only names from here on, and only those before there; '' for no bound. */
  readonly startOffset: string;
  readonly endOffset: string;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  readonly prefixes: readonly string[];
  /** '' at the end of the list. */
  readonly nextPageToken: string;
}

/** A bucket's objects by name. Throws INVALID_ARGUMENT for the page token. */
export async function listObjects(
  { db, uploads }: Pick<Buckets, 'db' | 'uploads'>,
  request: ListObjects,
): Promise<ObjectPage> {
  const { bucket, prefix, delimiter, startOffset, endOffset } = request;
  const entries = new Map<string, StoredObject | undefined>();
  for (const object of await listObjectRows(db.read, bucket)) {
    const { name } = object;
    if (!name.startsWith(prefix) || compareBytes(name, startOffset) < 0) continue;
    if (endOffset !== '' && compareBytes(name, endOffset) >= 0) continue;
    if (!(await isVisible(db.read, object, uploads.now()))) continue;
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut < 0) entries.set(name, object);
    else entries.set(name.slice(0, cut + delimiter.length), undefined);
  }
  const { items, nextPageToken } = cutNames([...entries], request, ([name]) => name);
  return {
    objects: items.flatMap(([, object]) => object ?? []),
    prefixes: items.flatMap(([name, object]) => (object === undefined ? [name] : [])),
    nextPageToken,
  };
}
