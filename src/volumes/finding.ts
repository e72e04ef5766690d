/** Something that is not as it must be. */
export interface Finding {
  /** `error`: content is lost or could be lost. `warning`: nothing is lost, but somebody should look at it. */
  readonly severity: 'error' | 'warning';
  /** What is wrong, as one of a closed list of names for programs; docs/cli.md explains each. */
  readonly what: FindingName;
  /** Of the thing that is wrong: a pack, a volume, an image, an operation. */
  readonly id: string;
  /** What was found, for people. */
  readonly fact: string;
  /** What to do about it. */
  readonly remedy: string;
}

export type FindingName =
  | 'pack-missing'
  | 'pack-size'
  | 'pack-broken'
  | 'pack-index'
  | 'pack-orphan'
  | 'condemned-pack-indexed'
  | 'condemned-pack-missing'
  | 'volume-unreadable'
  | 'volume-size'
  | 'volume-digest'
  | 'volume-stored-bytes'
  | 'manifest-edges'
  | 'segment-unreadable'
  | 'segment-packs'
  | 'chunks-missing'
  | 'chunks-quarantined'
  | 'chunk-too-short'
  | 'chunk-corrupt'
  | `${'image' | 'disk' | 'snapshot'}-without-volume`
  | `${'image' | 'disk' | 'snapshot'}-differs`
  | 'reference-without-holder'
  | 'pin-without-operation'
  | 'checkpoint-without-operation'
  | 'quota-usage';

/** What to do, once for all findings of a kind. */
export const remedies = {
  rebuild: 'stop the service and run "obraz fsck --rebuild"',
  importAgain:
    'import an image that has these bytes: it heals every image that needs them; or restore the pack and run "obraz scrub"',
  restorePack: 'restore the pack from a backup, or run "obraz scrub" so that imports bring its content anew',
  collected: 'nothing: it is collected in the background',
  wait: 'run "obraz fsck" again later; if it stays, stop the service and run "obraz fsck --rebuild"',
} as const;

/**
 * The service runs while it is checked: what looks wrong may only be changing. So everything is looked at again, and
 * only what is found both times is told.
 */
export async function lookTwice(look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  const first = await look();
  if (first.length === 0) return first;
  const again = new Set(first.map(nameOf));
  return (await look()).filter((finding) => again.has(nameOf(finding)));
}

function nameOf({ what, id }: Finding): string {
  return `${what} ${id}`;
}
