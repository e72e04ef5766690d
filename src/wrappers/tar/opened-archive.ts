import type { ByteSource } from '../../formats/byte-source.ts';
import type { DiskFormat } from '../../formats/disk-format.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import type { LayerReport } from '../layer-report.ts';
import type { UnwrapLimits } from '../unwrap-limits.ts';
import type { TarMember } from './read-members.ts';

export interface OpenArchiveOptions {
  readonly limits: UnwrapLimits;
  readonly signal?: AbortSignal | undefined;
  /** Called before members are read that will be read again: makes that cheap, if it can. */
  readonly makeLocal: () => Promise<void>;
}

/** The one disk in an archive. */
export interface OpenedArchive {
  /** Reads from the archive where it stands; holds nothing that must be closed. */
  readonly source: ByteSource;
  readonly report: LayerReport;
  /** The disk's format, where the archive says it; undefined: it is to be looked for in the bytes. */
  readonly format: DiskFormat | undefined;
}

/**
 * Where members refer to each other, only plain names are taken: which member a path means is then no question.
 *
 * @throws ImageRefused
 */
export function mustHavePlainNames(members: readonly TarMember[]): void {
  const inFolder = members.find(({ name }) => name.includes('/'));
  if (inFolder === undefined) return;
  throw new ImageRefused({
    check: 'tar.member-name',
    reason: `The member ${JSON.stringify(inFolder.name.slice(0, 80))} of the tar archive is in a folder; files that belong together are read only without one.`,
    remedy: 'Pack them anew from their folder: tar -C FOLDER -cf disk.tar FILES',
  });
}

/** Names that are listed in a refusal. */
const maxListed = 10;

/** The names of members, safe to print. */
export function listed(members: readonly Pick<TarMember, 'name'>[]): string {
  const names = members.slice(0, maxListed).map(({ name }) => JSON.stringify(name.slice(0, 80)));
  return members.length > maxListed ? `${names.join(', ')}, ...` : names.join(', ');
}
