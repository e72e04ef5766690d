import { createHash } from 'node:crypto';
import { staleFingerprint } from '../compute-errors.ts';
import { sameBytes } from './same-bytes.ts';

/** What the public service says of no labels. */
const ofNone = '42WmSpB8rSM=';

/** Names this set of labels: who changes labels says which ones he saw. */
export function labelFingerprint(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return ofNone;
  return createHash('sha256').update(JSON.stringify(entries)).digest().subarray(0, 8).toString('base64');
}

/** Throws unless the caller saw the labels as they are. */
export function checkFingerprint(seen: string | undefined, labels: Readonly<Record<string, string>>): void {
  if (seen === undefined || !sameBytes(seen, labelFingerprint(labels))) throw staleFingerprint();
}
