import { newId } from '../lib/ids.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { nodeIdPrefix } from '../nodes/node.ts';

/** The id of the node whose data directory this is; made once. */
export async function ensureNodeId(path: string): Promise<string> {
  const present = (await readFileIfThere(path))?.trim();
  if (present) return present;
  const made = newId(nodeIdPrefix);
  await writeFileDurably(path, `${made}\n`, 0o600);
  return made;
}
