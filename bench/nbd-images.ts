import { existsSync } from 'node:fs';
import { open, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ApiClient } from '../src/cli/api-client.ts';
import { AttachmentService } from '../src/gen/obraz/v1/attachment_service_pb.ts';
import { DiskService } from '../src/gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { isZero } from '../src/lib/zeros.ts';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { importImage, openClient } from './bench-client.ts';
import type { BenchContext } from './benchmark.ts';
import { makeDisks } from './disks.ts';
import {
  type Contender,
  clientsNote,
  compare,
  type Served,
  sequential,
  servedBytes,
  startQemuNbd,
} from './nbd-clients.ts';
import { runProgram } from './run-program.ts';
import type { Table } from './table.ts';
import { startWebServer } from './web-server.ts';

const MiB = 2 ** 20;

/** Images and disks of a started service, as their users read them: from the store, and from the pool. */
export async function compareImages(context: BenchContext): Promise<Table[]> {
  const file = await makeFullDisk(context);
  await using server = await startWebServer(dirname(file));
  await using obraz = await startObraz({ flags: ['--pool-size', '4GB'] });
  using client = openClient(obraz);
  const uri = `${server.origin}/${basename(file)}`;
  const qemuNbd: Contender = { name: 'qemu-nbd, qcow2', start: () => startQemuNbd(context, 'qcow2', file) };
  const packed = await makePacked(context, file);
  const qemuNbdPacked: Contender = {
    name: 'qemu-nbd, qcow2 compressed with zstd',
    start: () => startQemuNbd(context, 'qcow2', packed),
  };
  const used = (name: string, kind: Resource['case'], value: string): Contender => {
    return { name, start: () => attach(client, obraz, { case: kind, value }) };
  };
  const title = (what: string) => `NBD reads of ${what} of ${servedBytes / MiB} MiB without holes, over a unix socket`;

  const imageId = await importImage(client, obraz, uri);
  const cold = await compare(context, [qemuNbd, qemuNbdPacked, used('obraz, image', 'imageId', imageId)], [sequential]);
  // The same content is the same volume: from here on, all that is made of it is pooled.
  const pooledId = await importImage(client, obraz, uri, { pooled: true });
  await untilPooled(obraz);
  const diskId = await createDisk(client, obraz, pooledId);
  const pooled = await compare(context, [
    qemuNbd,
    used('obraz, image', 'imageId', pooledId),
    used('obraz, disk', 'diskId', diskId),
  ]);
  return [
    { title: title('an image that is not pooled,'), note: `${clientsNote} Packs are in the page cache.`, rows: cold },
    { title: title('a pooled image and a disk of it,'), note: clientsNote, rows: pooled },
  ];
}

type Resource = { readonly case: 'imageId' | 'diskId'; readonly value: string };

async function attach(client: ApiClient, { dataDirectory }: Obraz, resource: Resource): Promise<Served> {
  const { id, uri } = await client.call(AttachmentService.method.create, { resource });
  return {
    uri: `nbd+unix://${new URL(uri).pathname}?socket=${join(dataDirectory, 'nbd.sock')}`,
    async [Symbol.asyncDispose]() {
      await client.call(AttachmentService.method.delete, { attachmentId: id });
    },
  };
}

async function createDisk(client: ApiClient, { folderId }: Obraz, imageId: string): Promise<string> {
  const source = { case: 'imageId', value: imageId } as const;
  const request = { folderId, zoneId: 'ru-central1-a', size: BigInt(servedBytes), source };
  await client.call(DiskService.method.create, request);
  const { disks } = await client.call(DiskService.method.list, { folderId });
  const [disk] = disks;
  if (disk === undefined) throw new Error('there is no disk');
  return disk.id;
}

async function untilPooled({ dataDirectory }: Obraz): Promise<void> {
  const isThere = async () => (await readdir(join(dataDirectory, 'pool'))).some((name) => name.endsWith('.raw'));
  while (!(await isThere())) await setTimeout(50);
}

/** A plain qcow2 file of what a system's disk holds, one piece after the other, without its holes. Made once. */
async function makeFullDisk(context: BenchContext): Promise<string> {
  const { folder } = await makeDisks(context);
  const path = join(folder, 'full.qcow2');
  if (existsSync(path)) return path;
  context.say(`making ${path}`);
  const raw = join(context.workFolder, 'full.raw');
  await copyData(join(folder, 'disk.raw'), raw);
  await runProgram('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, `${path}.part`);
  await rename(`${path}.part`, path);
  return path;
}

/** The same, compressed as the store compresses it. Made once. */
async function makePacked({ say }: BenchContext, plain: string): Promise<string> {
  const path = plain.replace(/\.qcow2$/, '-zstd.qcow2');
  if (existsSync(path)) return path;
  say(`making ${path}`);
  const packed = ['-c', '-O', 'qcow2', '-o', 'compression_type=zstd'];
  await runProgram('qemu-img', 'convert', '-f', 'qcow2', ...packed, plain, `${path}.part`);
  await rename(`${path}.part`, path);
  return path;
}

async function copyData(from: string, to: string): Promise<void> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'w');
  const bytes = Buffer.alloc(MiB);
  let written = 0;
  for (let at = 0; written < servedBytes; at += MiB) {
    const { bytesRead } = await source.read(bytes, 0, MiB, at);
    if (bytesRead === 0) throw new Error(`${from} has less than ${servedBytes} bytes of data: ask for more --data-mb`);
    if (isZero(bytes)) continue;
    await target.write(bytes, 0, MiB, written);
    written += MiB;
  }
}
