import { parseArgs } from 'node:util';
import { isDifferenceOf, loadExpectedDifferences, qemuVersion } from './differential/expected-differences.ts';
import {
  formats,
  type ImageName,
  makeImage,
  makings,
  noTotals,
  runImage,
  type Totals,
  UnlistedDifference,
} from './differential/run-images.ts';

/**
 * Compares what Obraz and qemu-img read from random images, by hand and for long:
 *
 *     node test/interop/differential.ts --minutes 10 --seed 1 [--format vhd] [--making mutated]
 *
 * Prints what was compared, by format and making, and which of the expected differences were met. Goes on behind a
 * disagreement that is not listed, tells it with the image's number, and ends with 1. To have that image:
 *
 *     node test/interop/differential.ts --seed 1 --format vhd --making mutated --image 1234 --write FILE
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    format: { type: 'string' },
    making: { type: 'string' },
    image: { type: 'string' },
    write: { type: 'string' },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
const first = Number(values.image ?? 0);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(first) || !(minutes > 0)) {
  throw new Error('--seed and --image are whole numbers, --minutes is a number above 0.');
}
const kinds = makings
  .flatMap((making) => formats.map((format) => ({ making, format })))
  .filter(({ format }) => values.format === undefined || values.format === format)
  .filter(({ making }) => values.making === undefined || values.making === making);
const [only] = kinds;
if (only === undefined) throw new Error(`--format is of ${formats.join(', ')}; --making of ${makings.join(', ')}.`);

if (values.write !== undefined) {
  const how = await makeImage({ ...only, seed, image: first }, values.write, `${values.write}.scratch`);
  console.log([`${only.making} ${only.format}, seed ${seed}, image ${first}: ${values.write}`, ...how].join('\n  '));
} else {
  await compareAll();
}

async function compareAll(): Promise<void> {
  const version = await qemuVersion();
  const differences = loadExpectedDifferences().filter((difference) => isDifferenceOf(difference, version));
  const end = performance.now() + minutes * 60_000;
  const rows = kinds.map((kind) => ({ ...kind, totals: noTotals() }));
  let unlisted = 0;
  // All kinds in turn, so that a run that is stopped has seen each.
  const goesOn = () => values.image === undefined && performance.now() < end;
  do {
    for (const { making, format, totals } of rows) {
      // Most of the mutated ones are refused at once.
      for (let tries = making === 'mutated' && values.image === undefined ? 5 : 1; tries > 0; tries--) {
        const image = first + totals.images;
        if (!(await compareOne({ making, format, seed, image }, totals))) unlisted++;
      }
    }
  } while (goesOn());
  for (const { making, format, totals } of rows) console.log(rowOf(making, format, totals));
  console.log(`qemu-img ${version.join('.')}, seed ${seed}: ${unlisted} disagreements that are not listed`);
  if (unlisted > 0) process.exitCode = 1;

  async function compareOne(name: ImageName, totals: Totals): Promise<boolean> {
    try {
      await runImage(name, differences, totals);
      return true;
    } catch (failure) {
      if (!(failure instanceof UnlistedDifference)) throw failure;
      console.error(failure.message);
      return false;
    }
  }
}

function rowOf(making: string, format: string, totals: Totals): string {
  const { images, compared, bytes, refused, onlyOurs, damaged, differences } = totals;
  const met = [...differences].map(([id, count]) => `${id} ${count}`).join(', ');
  const counts = `${images} images, ${compared} compared (${Math.round(bytes / 2 ** 20)} MiB)`;
  const others =
    making === 'mutated'
      ? `, ${refused} refused by Obraz, ${onlyOurs} by qemu-img alone`
      : damaged > 0
        ? `, ${damaged} damaged by QEMU`
        : '';
  return `${making.padEnd(8)} ${format.padEnd(6)} ${counts}${others}${met === '' ? '' : `; ${met}`}`;
}
