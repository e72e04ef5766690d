import type { ServerResponse } from 'node:http';
import { abortReason } from '../../lib/abort-reason.ts';

/**
 * Writes a piece of a reply's body. Resolves when it has left for the kernel, so that its buffer is free again; rejects
 * when the connection fails, or with the signal's reason.
 */
export function writePiece(response: ServerResponse, piece: Uint8Array | string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(abortReason(signal));
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    response.write(piece, (error) => {
      signal.removeEventListener('abort', leave);
      if (error) reject(error);
      else resolve();
    });
  });
}
