import { createHash } from 'node:crypto';
import type { ByteSource } from '../../formats/byte-source.ts';
import { ImageRefused } from '../../formats/image-refused.ts';

/** What a manifest says of one member. */
export interface ManifestEntry {
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly name: string;
  /** In lower-case hexadecimal digits. */
  readonly digest: string;
}

const algorithms = {
  SHA1: { name: 'sha1', digits: 40 },
  SHA256: { name: 'sha256', digits: 64 },
  SHA512: { name: 'sha512', digits: 128 },
} as const;

/** Read and hashed at a time: a few milliseconds of the main thread. */
const pieceBytes = 1024 * 1024;

/**
 * Reads a manifest (DSP0243, 6.2): lines of `SHA256(NAME)= DIGEST`.
 *
 * @throws ImageRefused
 */
export function readManifest(bytes: Uint8Array): ManifestEntry[] {
  const entries: ManifestEntry[] = [];
  const names = new Set<string>();
  for (const [index, line] of Buffer.from(bytes).toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = /^(SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-f]+)\s*$/i.exec(line);
    const [, kind = '', name = '', digest = ''] = match ?? [];
    const algorithm = Object.entries(algorithms).find(([each]) => each === kind.toUpperCase())?.[1];
    if (algorithm === undefined || digest.length !== algorithm.digits) {
      throw refuse('ova.manifest', `Line ${index + 1} of the manifest in the archive is no digest of a file.`);
    }
    if (names.has(name))
      throw refuse('ova.manifest', `The manifest in the archive names ${JSON.stringify(name.slice(0, 80))} twice.`);
    names.add(name);
    entries.push({ algorithm: algorithm.name, name, digest: digest.toLowerCase() });
  }
  return entries;
}

/**
 * Holds a member against its digest; reads all of it.
 *
 * @throws ImageRefused when it is another one
 */
export async function verifyMember(
  bytes: ByteSource,
  entry: ManifestEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  const hash = createHash(entry.algorithm);
  const piece = new Uint8Array(pieceBytes);
  for (let offset = 0; offset < bytes.sizeBytes; offset += pieceBytes) {
    const length = Math.min(pieceBytes, bytes.sizeBytes - offset);
    hash.update(await bytes.read(offset, length, { signal, into: piece.subarray(0, length) }));
  }
  const actual = hash.digest('hex');
  if (actual === entry.digest) return;
  throw refuse(
    'ova.manifest-digest',
    `The file ${JSON.stringify(entry.name)} in the archive has the ${entry.algorithm} ${actual}; its manifest says ${entry.digest}.`,
    'It was changed or damaged after it was exported: export the machine anew, or send the archive again.',
  );
}

function refuse(check: string, reason: string, remedy?: string): ImageRefused {
  return new ImageRefused({ check, reason, ...(remedy === undefined ? {} : { remedy }) });
}
