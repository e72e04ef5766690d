import type { ByteSource } from '../../formats/byte-source.ts';
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
  /** The bytes are a disk's own, so no format is to be looked for in them. */
  readonly isFlatDisk: boolean;
}

/** Names that are listed in a refusal. */
const maxListed = 10;

/** The names of members, safe to print. */
export function listed(members: readonly TarMember[]): string {
  const names = members.slice(0, maxListed).map(({ name }) => JSON.stringify(name.slice(0, 80)));
  return members.length > maxListed ? `${names.join(', ')}, ...` : names.join(', ');
}
