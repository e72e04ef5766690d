import { type Decompressor, damaged, ignoreTrailing, refusePacked, truncated } from '../decompressor.ts';
import { onThread, ThreadRefused } from '../on-thread.ts';

/** bzip2 files: all streams are read, as bzip2 does; for what is behind the last see `ignoreTrailing`. */
export const bzip2: Decompressor = {
  name: 'bzip2',
  command: 'bunzip2 FILE',
  async *decompress(options) {
    const { reader, facts } = options;
    try {
      const found = yield* onThread('bzip2', reader);
      facts.streams = found?.streams;
      if (found !== undefined && found.endBytes < reader.sizeBytes) ignoreTrailing('bzip2', options, found.endBytes);
    } catch (error) {
      if (!(error instanceof ThreadRefused)) throw error;
      const { check, reason } = error.failure;
      if (check === 'truncated') throw truncated('bzip2', reader, error);
      if (check === 'damaged') throw damaged('bzip2', reader.position, reason, error);
      const remedy = 'Pack it anew: bunzip2 FILE, then bzip2.';
      throw refusePacked('bzip2', check, `The bzip2 data is not unpacked: ${reason}.`, remedy, error);
    }
  },
};
