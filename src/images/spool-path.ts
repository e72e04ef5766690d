import { join } from 'node:path';

/** Where the import of an operation may keep a copy of its source. The id is ours, and a plain word. */
export function spoolPath({ spoolDirectory }: { readonly spoolDirectory: string }, operationId: string): string {
  return join(spoolDirectory, operationId);
}

/** Where the import of an operation may unpack its source: what begins with this. */
export function workPath(deps: { readonly spoolDirectory: string }, operationId: string): string {
  return `${spoolPath(deps, operationId)}.unpacked`;
}
