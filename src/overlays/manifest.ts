import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { integerOf, objectOf, parseJson, stringOf } from '../lib/json.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { OverlayDamaged } from './overlay-failed.ts';

/**
 * What an overlay consists of: one file that is replaced as a whole, so that the set of log files changes at once or not at
 * all. docs/formats/overlay.md specifies it. Two lines of text:
 *
 *     {"format":"obraz-overlay","version":1,"id":"...","sizeBytes":...,"baseIds":[...],"nextFile":...,"sealedSequence":...,"layers":[...]}
 *     crc32 89abcdef
 */
export interface Manifest {
  /** 32 hexadecimal digits, in every log file's header as well. */
  readonly id: string;
  readonly sizeBytes: number;
  /** The bases that it may lie on, by name: one, or while the base is being changed the old and the new one. */
  readonly baseIds: readonly string[];
  /** No file with this number or a higher one was ever listed. */
  readonly nextFile: number;
  /** Of the last batch that stands in a sealed file, or stood in one that is no longer needed. */
  readonly sealedSequence: number;
  /** Oldest first; the last one is written to. */
  readonly layers: readonly ManifestLayer[];
}

export interface ManifestLayer {
  readonly number: number;
  /** In the order of the log. `sealedBlocks` is the length of a sealed file in blocks, 0 of one that is not. */
  readonly files: readonly { readonly number: number; readonly sealedBlocks: number }[];
}

export const manifestName = 'overlay.json';
const format = 'obraz-overlay';
const version = 1;
/** 2^18 files of an overlay at their largest, with room to spare. */
const maxManifestBytes = 8 * 1024 * 1024;

/** Replaces the manifest; durable when it returns. After a failure the old one or the new one is there. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const { id, sizeBytes, baseIds, nextFile, sealedSequence } = manifest;
  const layers = manifest.layers.map(({ number, files }) => ({
    number,
    files: files.map((file) => [file.number, file.sealedBlocks]),
  }));
  const text = JSON.stringify({ format, version, id, sizeBytes, baseIds, nextFile, sealedSequence, layers });
  await writeFileDurably(join(directory, manifestName), `${text}\n${checkLine(text)}\n`, 0o600);
}

/** The manifest, or undefined when there is none. Throws `OverlayDamaged` for anything else in its place. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const path = join(directory, manifestName);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (!found.isFile() || found.size > maxManifestBytes) throw new OverlayDamaged(path, 'is not a manifest');
  await using file = await open(path, 'r');
  const [text, check, ...rest] = (await file.readFile('utf8')).split('\n');
  if (text === undefined || check !== checkLine(text) || rest.join('') !== '') {
    throw new OverlayDamaged(path, 'does not have the checksum that it says it has');
  }
  try {
    return parseManifest(text);
  } catch (error) {
    throw new OverlayDamaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function parseManifest(text: string): Manifest {
  const object = objectOf(parseJson(text), 'the manifest');
  const layers = listOf(object.layers, 'layers').map((value) => {
    const layer = objectOf(value, 'a layer');
    return { number: integerOf(layer, 'number'), files: listOf(layer.files, 'files').map(parseFile) };
  });
  const manifest: Manifest = {
    id: stringOf(object, 'id'),
    sizeBytes: integerOf(object, 'sizeBytes'),
    baseIds: listOf(object.baseIds, 'baseIds').map((baseId) => stringOf({ baseId }, 'baseId')),
    nextFile: integerOf(object, 'nextFile'),
    sealedSequence: integerOf(object, 'sealedSequence'),
    layers,
  };
  const problem = problemOf(object, manifest);
  if (problem !== undefined) throw new Error(problem);
  return manifest;
}

function parseFile(value: unknown): { number: number; sealedBlocks: number } {
  const [number, sealedBlocks] = listOf(value, 'a file');
  const file = { number, sealedBlocks };
  return { number: integerOf(file, 'number'), sealedBlocks: integerOf(file, 'sealedBlocks') };
}

function problemOf(object: Readonly<Record<string, unknown>>, manifest: Manifest): string | undefined {
  if (object.format !== format) return 'is not the manifest of an overlay';
  if (object.version !== version) return `is of version ${object.version}, which this program does not know`;
  if (!/^[0-9a-f]{32}$/.test(manifest.id)) return 'has no id';
  if (manifest.sizeBytes <= 0) return `says that the disk has ${manifest.sizeBytes} bytes`;
  if (manifest.baseIds.length === 0) return 'does not say which base it lies on';
  if (manifest.layers.length === 0) return 'has no layers';
  const layers = manifest.layers.map(({ number }) => number);
  if (!isRising(layers)) return 'has layers out of order';
  const files = manifest.layers.flatMap((layer) => layer.files);
  if (!isRising(files.map(({ number }) => number))) return 'has files out of order';
  if (files.some(({ number }) => number >= manifest.nextFile)) return 'has a file that is yet to come';
  if (files.some(({ sealedBlocks }) => sealedBlocks < 0)) return 'has a file of no length';
  return undefined;
}

/** Whether all are positive and each is greater than the one before. */
function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => number > (numbers[index - 1] ?? 0));
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

function checkLine(text: string): string {
  return `crc32 ${crc32(text).toString(16).padStart(8, '0')}`;
}
