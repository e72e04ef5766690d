import type { FileDigest } from './file-digest.ts';

/** A file and its digest, as a publisher lists them. */
export interface ListedFile {
  readonly name: string;
  readonly digest: FileDigest;
}

const digestLengths = { sha256: 64, sha512: 128 } as const;

/** Names of files are no longer anywhere that images are published from; lines have a digest besides. */
const maxNameLength = 255;
const maxLineLength = 1_000;

/**
 * Reads the lines of a file of digests that are SHA-256 or SHA-512, in either way of writing them:
 *
 *     4c5c...  debian-12.qcow2                     sha256sum and sha512sum of GNU; ` *` before the name says binary
 *     SHA256 (Fedora-43.qcow2) = 4c5c...           the same with --tag, and BSD
 *
 * All other lines are passed over: comments, the signature around a signed list, digests of other kinds.
 */
export function readSumsFile(text: string): ListedFile[] {
  return text.split('\n').flatMap((untrimmed) => {
    if (untrimmed.length > maxLineLength) return [];
    const line = untrimmed.trimEnd();
    const file = readGnuLine(line) ?? readTaggedLine(line);
    return file === undefined || !isName(file.name) ? [] : [file];
  });
}

function readGnuLine(line: string): ListedFile | undefined {
  const [, hex = '', name = ''] = /^([0-9a-f]{64,128}) [ *](?:\.\/)?(.+)$/i.exec(line) ?? [];
  if (hex.length === digestLengths.sha256) return listed(name, 'sha256', hex);
  if (hex.length === digestLengths.sha512) return listed(name, 'sha512', hex);
  return undefined;
}

function readTaggedLine(line: string): ListedFile | undefined {
  const [, tag = '', name = '', hex = ''] = /^(SHA256|SHA512) \((?:\.\/)?(.+)\) = ([0-9a-f]+)$/i.exec(line) ?? [];
  const algorithm = tag.toLowerCase() === 'sha256' ? 'sha256' : 'sha512';
  return hex.length === digestLengths[algorithm] ? listed(name, algorithm, hex) : undefined;
}

function listed(name: string, algorithm: FileDigest['algorithm'], hex: string): ListedFile {
  return { name, digest: { algorithm, hex: hex.toLowerCase() } };
}

function isName(name: string): boolean {
  return name.length <= maxNameLength && !/[\p{Cc}\\]/u.test(name);
}
