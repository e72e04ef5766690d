import { Readable } from 'node:stream';
import type { ByteSource } from '../formats/byte-source.ts';

/** Read at once; two of them wait to be taken. */
const pieceBytes = 1024 * 1024;

/** The bytes of a file from `startBytes` on. The stream fails when they are not there any more; destroy it. */
export function readFrom(bytes: ByteSource, startBytes: number): Readable {
  return Readable.from(piecesOf(bytes, startBytes), { objectMode: false, highWaterMark: 2 * pieceBytes });
}

async function* piecesOf(bytes: ByteSource, startBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = startBytes; at < bytes.sizeBytes; at += pieceBytes) {
    yield await bytes.read(at, Math.min(pieceBytes, bytes.sizeBytes - at));
  }
}
