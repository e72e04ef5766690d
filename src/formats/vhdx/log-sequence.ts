import type { Log, LogEntry } from './log-entry.ts';

/**
 * The entries of a log that must be replayed, oldest first: the newest sequence that is whole ([MS-VHDX], 2.3.3).
 * Undefined where the log has none.
 *
 * A sequence is a run of valid entries that follow each other in the ring, each with a sequence number one greater than
 * the one before; it is whole if the entry that its last one calls the tail is in it, and is replayed from there. What is
 * older was written to its place already.
 *
 * Entries do not overlap, so that each follows at most one other, and sequence numbers only grow: every entry is looked at
 * once, in whatever circle a file draws them (CVE-2014-0148).
 */
export function findActiveSequence(log: Log): readonly LogEntry[] | undefined {
  const entries = new Map<number, LogEntry>();
  for (let sector = 0; sector < log.sectors; sector++) {
    const entry = log.entryAt(sector);
    if (entry !== undefined) entries.set(sector, entry);
  }
  const following = new Map<LogEntry, LogEntry>();
  for (const entry of entries.values()) {
    const next = entries.get((entry.sector + entry.sectors) % log.sectors);
    if (next?.sequence === entry.sequence + 1n) following.set(entry, next);
  }
  const notFirst = new Set(following.values());

  let active: readonly LogEntry[] | undefined;
  for (const first of entries.values()) {
    if (notFirst.has(first)) continue;
    const sequence = [first];
    for (let next = following.get(first); next !== undefined; next = following.get(next)) sequence.push(next);
    const newest = sequence.at(-1) ?? first;
    const tail = sequence.findIndex((entry) => entry.sector === newest.tailSector);
    if (tail !== -1 && newest.sequence > (active?.at(-1)?.sequence ?? 0n)) active = sequence.slice(tail);
  }
  return active;
}
