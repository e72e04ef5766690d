import { openOverlay } from '../../src/overlays/open-overlay.ts';

/**
 * A process that is killed: writes stamps from the second argument on, stamp n all over block n % 64 of the overlay in the
 * folder of the first, and prints each stamp up to which a flush has acknowledged all.
 */
const blockBytes = 4096;
const [directory = '', first = '1'] = process.argv.slice(2);
const fileBytes = 32 * blockBytes;
const overlay = await openOverlay({ directory, sizeBytes: 64 * blockBytes, whenMissing: 'create', fileBytes });

for (let stamp = Number(first); ; stamp += 4) {
  const writes = Array.from({ length: 4 }, (_, at) => {
    const bytes = Buffer.alloc(blockBytes);
    for (let place = 0; place < blockBytes; place += 4) bytes.writeUInt32LE(stamp + at, place);
    return overlay.writeAt(bytes, ((stamp + at) % 64) * blockBytes);
  });
  await Promise.all(writes);
  await overlay.flush();
  process.stdout.write(`${stamp + 3}\n`);
}
