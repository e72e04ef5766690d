import type { ServerResponse } from 'node:http';
import type { BlockDevice, Extent } from '../../formats/block-device.ts';
import { writePiece } from './write-piece.ts';

/** Bytes read and written at once; two such buffers serve one reply. */
const pieceBytes = 1024 * 1024;
/** Runs of zeros shorter than this are read along with the data around them. */
const minZeroBytes = 64 * 1024;

/** Shared by all replies, and never written to. */
const zeros: Uint8Array = new Uint8Array(pieceBytes);

/**
 * Writes the guest bytes of `[start, end)` as the reply's body, at the pace of the reader: one piece is on its way to
 * the socket while the next is read. Holes and zeros are sent without a read. Throws when the device or the connection
 * fails, or the signal is aborted; what was sent until then is right, and never padded. Returns the bytes sent.
 */
export async function sendDevice(
  device: BlockDevice,
  { start, end }: { readonly start: number; readonly end: number },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<number> {
  let sending: Promise<void> = Promise.resolve();
  let sent = 0;
  // Two buffers take turns. A buffer is written to again only after the piece before the last was sent.
  let [filling, spare] = [new Uint8Array(0), new Uint8Array(0)];
  for await (const piece of pieces(device.extents(start, end - start, { signal }))) {
    signal.throwIfAborted();
    let bytes = zeros.subarray(0, piece.length);
    if (!piece.isZero) {
      if (filling.length === 0) filling = Buffer.allocUnsafeSlow(pieceBytes);
      bytes = filling.subarray(0, piece.length);
      await device.readAt(bytes, piece.offset, { signal });
      [filling, spare] = [spare, filling];
    }
    await sending;
    sending = writePiece(response, bytes, signal);
    sending.catch(() => {}); // it is awaited, but a read may fail first
    sent += bytes.length;
  }
  await sending;
  return sent;
}

/** A run to send: of zeros, or of at most `pieceBytes` to read. Zero runs are cut to `pieceBytes`, too. */
interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly isZero: boolean;
}

/** Cuts extents into pieces; neighbours that are read become one piece as far as it has room. */
async function* pieces(extents: AsyncIterable<Extent>): AsyncGenerator<Piece> {
  let [offset, length] = [0, 0]; // the data piece being collected
  for await (const extent of extents) {
    const isZero = extent.kind !== 'data' && extent.length >= minZeroBytes;
    if (isZero && length > 0) {
      yield { offset, length, isZero: false };
      length = 0;
    }
    const end = extent.offset + extent.length;
    for (let at = extent.offset; at < end; ) {
      if (length === 0) offset = at;
      const taken = Math.min(end - at, pieceBytes - length);
      at += taken;
      if (isZero) {
        yield { offset: at - taken, length: taken, isZero };
        continue;
      }
      length += taken;
      if (length === pieceBytes) {
        yield { offset, length, isZero: false };
        length = 0;
      }
    }
  }
  if (length > 0) yield { offset, length, isZero: false };
}
