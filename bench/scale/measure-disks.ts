import type { ApiClient } from '../../src/cli/api-client.ts';
import { DiskService } from '../../src/gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import type { Obraz } from '../../test/fixtures/obraz.ts';
import type { Figure } from './sizes.ts';
import { latencies, timeEach } from './timing.ts';

const zoneId = 'ru-central1-a';
const atOnce = 8;

/** Disks made of one image, and a list of them. */
export async function measureDisks(
  client: ApiClient,
  { folderId }: Obraz,
  { imageId, count, sizeBytes }: { readonly imageId: string; readonly count: number; readonly sizeBytes: number },
): Promise<Figure[]> {
  const source = { case: 'imageId', value: imageId } as const;
  const size = BigInt(sizeBytes);
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const times: number[] = [];
  const begun = performance.now();
  const work = async () => {
    for (const number of numbers) {
      const start = performance.now();
      await client.call(DiskService.method.create, { folderId, name: `disk-${number}`, size, zoneId, source });
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = (performance.now() - begun) / 1000;
  const pageSize = BigInt(Math.min(1000, count));
  const list = await timeEach(40, () => client.call(DiskService.method.list, { folderId, pageSize }));
  return [
    { what: `Disks of one image, ${atOnce} at once`, unit: 'disks/s', value: count / seconds },
    ...latencies('Create of a disk beside seven others', times.slice(-Math.max(10, Math.floor(count / 10)))),
    ...latencies('List of the first 1,000 disks', list),
  ];
}
