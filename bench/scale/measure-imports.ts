import { basename } from 'node:path';
import type { ApiClient } from '../../src/cli/api-client.ts';
import type { Obraz } from '../../test/fixtures/obraz.ts';
import { importImage } from '../bench-client.ts';
import type { DiskFile } from '../disks.ts';
import { measureProcess } from '../process-usage.ts';
import { median } from '../statistics.ts';
import type { WebServer } from '../web-server.ts';
import type { Figure } from './sizes.ts';

/** Imports disks of which the store knows nothing. The first is not counted: its code is compiled meanwhile. */
export async function measureImports(
  client: ApiClient,
  obraz: Obraz,
  { origin }: WebServer,
  disks: readonly DiskFile[],
): Promise<Figure[]> {
  const samples: { readonly rate: number; readonly peakMiB: number }[] = [];
  for (const { path, dataBytes } of disks) {
    const usage = measureProcess(obraz.pid);
    const begun = performance.now();
    await importImage(client, obraz, `${origin}/${basename(path)}`);
    const seconds = (performance.now() - begun) / 1000;
    samples.push({ rate: dataBytes / 1e6 / seconds, peakMiB: usage().peakMiB });
  }
  const counted = samples.slice(1);
  return [
    { what: 'Import of what is new', unit: 'MB/s', value: median(counted.map(({ rate }) => rate)) },
    { what: 'Memory of the first import above idle', unit: 'MiB', value: samples[0]?.peakMiB ?? Number.NaN },
  ];
}
