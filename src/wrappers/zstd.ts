import { constants, createZstdDecompress } from 'node:zlib';
import { type Decompressor, damaged, refusePacked, sendAgain, truncated } from './decompressor.ts';
import { isUnexpectedEnd, isZlibFailure, throughZlib, zlibOutput } from './zlib-stream.ts';

/**
 * zstd files (RFC 8878): all frames are read, and skippable ones passed over, as zstd does. Bytes behind the last frame
 * are an error to zstd, and here. The library itself refuses frames with a larger window than it is told, before it
 * takes memory for it.
 */
export const zstd: Decompressor = {
  name: 'zstd',
  command: 'unzstd --long=31 FILE',
  async *decompress({ reader, limits }) {
    const windowLog = Math.floor(Math.log2(limits.maxWindowBytes));
    const stream = createZstdDecompress({ ...zlibOutput, params: { [constants.ZSTD_d_windowLogMax]: windowLog } });
    try {
      yield* throughZlib(stream, reader);
    } catch (error) {
      if (isUnexpectedEnd(error)) throw truncated('zstd', reader, error);
      if (!isZlibFailure(error)) throw error;
      if (/window/i.test(`${'code' in error ? error.code : ''}`)) {
        const reason = `The zstd data asks for a window of more than ${2 ** windowLog} bytes of memory.`;
        throw refusePacked(
          'zstd',
          'window',
          reason,
          'Pack it anew with a smaller one: unzstd --long=31 FILE, then zstd.',
          error,
        );
      }
      throw damaged('zstd', reader.position, error.message, error);
    }
    if (reader.position < reader.sizeBytes) {
      const reason = `The zstd data ends at byte ${reader.position}, and bytes follow that are no zstd data.`;
      throw refusePacked('zstd', 'trailing-bytes', reason, sendAgain);
    }
  },
};
