import type { ByteSource, ReadOptions } from './byte-source.ts';

const pieceBytes = 1024 * 1024;

/** Some entries of a table. The view is good until the next piece is asked for. */
export interface TablePiece {
  /** Index of the first entry. */
  readonly first: number;
  readonly count: number;
  readonly view: DataView;
}

/**
 * A table of a file in pieces of 1 MiB, in order. Each is read over the one before, so that the table's raw bytes never
 * stand in memory beside the result: pieces of their own would be as large as the table before the collector took one. The
 * caller has checked that the table lies within the file.
 */
export async function* readTablePieces(
  source: ByteSource,
  table: { readonly offset: number; readonly entries: number; readonly entryBytes: number },
  options?: ReadOptions,
): AsyncIterable<TablePiece> {
  const { offset, entries, entryBytes } = table;
  const piece = new Uint8Array(Math.min(pieceBytes, entries * entryBytes));
  for (let first = 0; first < entries; first += pieceBytes / entryBytes) {
    const count = Math.min(pieceBytes / entryBytes, entries - first);
    const into = piece.subarray(0, count * entryBytes);
    const bytes = await source.read(offset + first * entryBytes, into.length, { ...options, into });
    yield { first, count, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  }
}
