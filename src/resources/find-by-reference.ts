import { isResourceNumber } from '../lib/resource-number.ts';

/** How the resources of one kind in a folder are found. */
export interface ReferenceFinders<R> {
  byNumber(number: string): Promise<R | undefined>;
  byName(name: string): Promise<R | undefined>;
  /** Wherever it is. */
  byId(id: string): Promise<R | undefined>;
}

/**
 * The resource of a folder that a client calls so: by its number (lib/resource-number.ts), by its name, or, when it has
 * none, by its id. Names and ids begin with a letter, so that no text is two of these. Undefined when there is none.
 */
export async function findByReference<R extends { readonly folderId: string; readonly name: string }>(
  folderId: string,
  text: string,
  { byNumber, byName, byId }: ReferenceFinders<R>,
): Promise<R | undefined> {
  if (text === '') return undefined;
  if (isResourceNumber(text)) return byNumber(text);
  const named = await byName(text);
  if (named !== undefined) return named;
  const unnamed = await byId(text);
  return unnamed?.folderId === folderId && unnamed.name === '' ? unnamed : undefined;
}
