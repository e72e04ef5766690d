import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { storageOf } from '../fixtures/service-storage.ts';

/**
 * What is kept beyond what is needed, as a reader beside the service sees it; empty when all is well. With the data
 * directories of all its processes.
 */
export async function findLeftovers(dataDirectories: readonly string[]): Promise<string[]> {
  const [dataDirectory = ''] = dataDirectories;
  const { rows, packsFolder, unfinished } = await storageOf(dataDirectory);
  const found: string[] = [];
  const none = async (what: string, sql: string) => {
    const count = (await rows(sql)).length;
    if (count > 0) found.push(`${count} ${what}`);
  };
  await none('packs that are not live', `select id from packs where state <> 'live'`);
  await none('packs that no node needs', 'select id from packs where id not in (select pack_id from segment_packs)');
  await none('pins', 'select * from pack_pins');
  await none('checkpoints', 'select * from import_segments');
  await none(
    'volumes without a holder',
    'select id from volumes where id not in (select volume_id from volume_references)',
  );
  await none(
    'holders that are no image, snapshot or disk',
    `select * from volume_references where holder_id not in (select id from images)
       and holder_id not in (select id from snapshots) and holder_id not in (select id from disks)`,
  );
  await none('READY images without a volume', `select id from images where status = 'READY' and volume_id is null`);
  await none('snapshots that nobody makes', `select id from snapshots where status <> 'READY'`);
  await none('attachments', 'select id from attachments');
  await none(
    'images of a volume that they do not hold',
    `select id from images where volume_id is not null
       and not exists (select 1 from volume_references where holder_id = id and volume_references.volume_id = images.volume_id)`,
  );
  await none('images that nobody makes', `select id from images where status <> 'READY'`);
  await none('chunks of packs that are not there', 'select id from chunks where pack_id not in (select id from packs)');
  await none('quarantined chunks', 'select id from chunks where quarantined = 1');
  const packs = new Set((await rows('select id from packs')).map(({ id }) => String(id)));
  const blobs = new Set((await listFiles(packsFolder)).map((path) => path.split('/').at(-1) ?? ''));
  for (const pack of packs.difference(blobs)) found.push(`pack ${pack} without its blob`);
  for (const blob of blobs.difference(packs)) found.push(`blob ${blob} without its pack`);
  for (const key of await unfinished()) found.push(`an upload of ${key}`);
  const disks = new Set((await rows('select id from disks')).map(({ id }) => String(id)));
  for (const directory of dataDirectories) {
    for (const name of await listNames(join(directory, 'disks'))) {
      if (!disks.has(name)) found.push(`disks/${name}`);
    }
    for (const folder of ['spool', 'uploads', join('packs', 'partial')]) {
      for (const name of await listFiles(join(directory, folder))) found.push(`${folder}/${name}`);
    }
  }
  return found;
}

/** The uploads that there are, of which the sender may have heard or not. */
export async function findUploads(dataDirectory: string): Promise<string[]> {
  const { rows } = await storageOf(dataDirectory);
  return (await rows('select id from uploads')).map(({ id }) => String(id));
}

/** Guest bytes of an operation's import that its checkpoints say are durable. */
export async function checkpointedBytes(dataDirectory: string, operationId: string): Promise<number> {
  const { rows } = await storageOf(dataDirectory);
  const sql = 'select coalesce(sum(done_bytes), 0) as bytes from import_segments where operation_id = ?';
  const [row] = await rows(sql, [operationId]);
  return Number(row?.bytes);
}

async function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } catch {
    return []; // not every version has every folder
  }
}
