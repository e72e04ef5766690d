import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ApiClient } from '../src/cli/api-client.ts';
import { Attachment_Mode } from '../src/gen/obraz/v1/attachment_pb.ts';
import { AttachmentService } from '../src/gen/obraz/v1/attachment_service_pb.ts';
import { DiskService } from '../src/gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { ImageService } from '../src/gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { SnapshotService } from '../src/gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import type { Operation } from '../src/gen/yandex/cloud/operation/operation_pb.ts';
import { OperationService } from '../src/gen/yandex/cloud/operation/operation_service_pb.ts';
import { type AttachedDisk, openAttached } from '../test/fixtures/attached-disk.ts';
import { noise } from '../test/fixtures/guest.ts';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { importImage, openClient } from './bench-client.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { fillImage } from './populate.ts';
import { runProgram } from './run-program.ts';
import { median, percentile } from './statistics.ts';
import type { Table } from './table.ts';
import { startWebServer } from './web-server.ts';

const MiB = 2 ** 20;
const sizes = [
  { name: '1 GiB', bytes: 2 ** 30 },
  { name: '1 TiB', bytes: 2 ** 40 },
] as const;

/** How many of each for a p99 that means something, and of freezes, after each of which its content is stored. */
const copies = 300;
const freezes = 100;
const disksOfOne = 1_000;
const zoneId = 'ru-central1-a';

interface FilledImage {
  readonly name: string;
  readonly sizeBytes: number;
  readonly imageId: string;
}

/** What it costs to make an image, a disk or a snapshot of what is there, and whether that depends on its size. */
export const diskBenchmark: Benchmark = {
  name: 'disk',
  about: 'images and disks of images, freezes of disks in use; 1,000 disks against qemu-img create -b',
  async run(context) {
    const dataDirectory = join(context.workFolder, 'disk-data');
    const images = await makeFilledImages(context, dataDirectory);
    await using obraz = await startObraz({ dataDirectory, flags: ['--nbd', '127.0.0.1:0'] });
    await using client = openClient(obraz);
    const rows: Table['rows'][number][] = [];
    for (const image of images) {
      context.say(`images and disks of an image of ${image.name}`);
      rows.push(rowOf('image from image', image, await timeEach(copies, (at) => copyOnce(client, obraz, image, at))));
      rows.push(
        rowOf(
          'disk from image',
          image,
          await timeEach(copies, (at) => makeDisk(client, obraz, image, `of-${image.sizeBytes}-${at}`)),
        ),
      );
    }
    for (const image of images) {
      context.say(`freezes of a disk of ${image.name}`);
      rows.push(...(await freezeOften(client, obraz, image)));
    }
    return [
      {
        title: 'Making of what is there',
        note: 'One after the other over gRPC and TLS. A freeze is the call that makes a snapshot of a disk in use with 1 MiB written since the last; READY is when that is stored.',
        rows,
      },
      await manyDisks(context, client, obraz, images[0]),
    ];
  },
};

async function makeFilledImages(context: BenchContext, dataDirectory: string): Promise<FilledImage[]> {
  const imageIds: string[] = [];
  {
    await using server = await startWebServer(context.workFolder);
    const path = join(context.workFolder, 'segment.raw');
    await using file = await open(path, 'w');
    await file.writeFile(noise(64 * MiB, 1));
    await using obraz = await startObraz({ dataDirectory });
    await using client = openClient(obraz);
    for (const _size of sizes) imageIds.push(await importImage(client, obraz, `${server.origin}/segment.raw`));
    await obraz.end();
  }
  const images = sizes.map(({ name, bytes }, at) => ({ name, sizeBytes: bytes, imageId: imageIds[at] ?? '' }));
  for (const { name, imageId, sizeBytes } of images) {
    context.say(`filling an image of ${name}`);
    await fillImage(dataDirectory, imageId, sizeBytes);
  }
  return images;
}

async function copyOnce(
  client: ApiClient,
  { folderId }: Obraz,
  { imageId, sizeBytes }: FilledImage,
  at: number,
): Promise<void> {
  const source = { case: 'imageId', value: imageId } as const;
  await done(
    client,
    await client.call(ImageService.method.create, { folderId, name: `copy-${sizeBytes}-${at}`, source }),
  );
}

async function makeDisk(
  client: ApiClient,
  { folderId }: Obraz,
  { imageId, sizeBytes }: FilledImage,
  name: string,
): Promise<void> {
  const source = { case: 'imageId', value: imageId } as const;
  const size = BigInt(sizeBytes);
  await done(client, await client.call(DiskService.method.create, { folderId, name, size, zoneId, source }));
}

/** A disk in use, with something written to it before each snapshot. */
async function freezeOften(client: ApiClient, obraz: Obraz, image: FilledImage): Promise<Table['rows'][number][]> {
  const { folderId } = obraz;
  const name = `frozen-${image.sizeBytes}`;
  await makeDisk(client, obraz, image, name);
  const { disks } = await client.call(DiskService.method.list, { folderId, filter: `name = "${name}"` });
  const diskId = disks[0]?.id ?? '';
  const mode = Attachment_Mode.READ_WRITE;
  const attachment = await client.call(AttachmentService.method.create, {
    resource: { case: 'diskId', value: diskId },
    mode,
  });
  await using disk = await openAttached(attachment.uri);
  const frozen: number[] = [];
  const ready: number[] = [];
  for (let at = 0; at < freezes; at += 1) {
    await write(disk, at, image.sizeBytes);
    const begun = performance.now();
    const operation = await client.call(SnapshotService.method.create, { folderId, diskId, name: `${name}-${at}` });
    frozen.push(performance.now() - begun);
    await done(client, operation);
    ready.push(performance.now() - begun);
  }
  return [rowOf('freeze', image, frozen), rowOf('the snapshot READY', image, ready)];
}

/** One MiB somewhere, which nothing else is like. */
async function write(disk: AttachedDisk, at: number, sizeBytes: number): Promise<void> {
  const place = Math.floor((at * 0.618 * sizeBytes) / MiB) % (sizeBytes / MiB);
  await disk.write(place * MiB, noise(MiB, 1_000 + at));
  await disk.flush();
}

async function manyDisks(
  context: BenchContext,
  client: ApiClient,
  obraz: Obraz,
  image: FilledImage | undefined,
): Promise<Table> {
  if (image === undefined) throw new Error('no image');
  const backing = join(context.workFolder, 'backing.qcow2');
  await runProgram('qemu-img', 'create', '-q', '-f', 'qcow2', backing, String(image.sizeBytes));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 1; run <= context.runs; run += 1) {
    context.say(`${disksOfOne} disks, ${run} of ${context.runs}`);
    const begun = performance.now();
    for (let at = 0; at < disksOfOne; at += 1) await makeDisk(client, obraz, image, `many-${run}-${at}`);
    ours.push(performance.now() - begun);
    const begunTheirs = performance.now();
    for (let at = 0; at < disksOfOne; at += 1) {
      const path = join(context.workFolder, `many-${run}-${at}.qcow2`);
      await runProgram('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, path);
    }
    theirs.push(performance.now() - begunTheirs);
  }
  const row = (made: string, times: readonly number[]) => ({
    made,
    s: median(times) / 1000,
    ratio: median(times) / median(theirs),
  });
  return {
    title: `${disksOfOne} disks of one image, one after the other`,
    note: 'Ours are durable when the call is answered; the files that qemu-img makes are not synced.',
    rows: [row('qemu-img create -b', theirs), row('DiskService.Create', ours)],
  };
}

async function timeEach(count: number, work: (at: number) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const begun = performance.now();
    await work(at);
    times.push(performance.now() - begun);
  }
  return times;
}

function rowOf(what: string, { name }: FilledImage, times: readonly number[]) {
  return { what, of: name, 'p50 ms': percentile(times, 50), 'p99 ms': percentile(times, 99) };
}

async function done(client: ApiClient, begun: Operation): Promise<void> {
  let operation = begun;
  while (!operation.done) {
    await setTimeout(2);
    operation = await client.call(OperationService.method.get, { operationId: operation.id });
  }
  if (operation.result.case === 'error') throw new Error(operation.result.value.message);
}
