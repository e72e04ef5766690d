import { type Decompressor, damaged, refusePacked, truncated } from '../decompressor.ts';
import { onThread, ThreadRefused } from '../on-thread.ts';
import { readXzStructure } from './xz-structure.ts';

/** xz files: all streams are read, with the zeros between and behind them, as xz does. Other bytes there are an error. */
export const xz: Decompressor = {
  name: 'xz',
  command: 'unxz FILE',
  async *decompress({ reader, limits, facts, signal }) {
    const structure = await readXzStructure(reader.source, { signal });
    if (structure.bytes > limits.maxBytes) {
      const reason = `The xz data says that it holds ${structure.bytes} bytes; at most ${limits.maxBytes} are unpacked.`;
      throw refusePacked('xz', 'too-big', reason);
    }
    facts.streams = structure.streams;
    let bytes = 0;
    try {
      for await (const chunk of onThread('xz', reader)) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof ThreadRefused)) throw error;
      const { check, reason } = error.failure;
      if (check === 'truncated') throw truncated('xz', reader, error);
      if (check === 'damaged') throw damaged('xz', reader.position, reason, error);
      throw refusePacked(
        'xz',
        check,
        `The xz data is not read: ${reason}.`,
        'Pack it anew: unxz FILE, then xz.',
        error,
      );
    }
    if (bytes !== structure.bytes) {
      throw damaged('xz', reader.position, `its indexes tell of ${structure.bytes} bytes and ${bytes} came out`);
    }
  },
};
