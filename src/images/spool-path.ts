import { join } from 'node:path';

/** Where the import of an operation may keep a copy of its source. The id is ours, and a plain word. */
export function spoolPath({ spoolDirectory }: { readonly spoolDirectory: string }, operationId: string): string {
  return join(spoolDirectory, operationId);
}
