import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What is kept beyond what is needed, as a reader beside the service sees it; empty when all is well. */
export async function findLeftovers(dataDirectory: string): Promise<string[]> {
  using database = new DatabaseSync(join(dataDirectory, 'metadata.db'), { readOnly: true, timeout: 5_000 });
  const rows = (sql: string) => database.prepare(sql).all();
  const found: string[] = [];
  const none = (what: string, sql: string) => {
    const count = rows(sql).length;
    if (count > 0) found.push(`${count} ${what}`);
  };
  none('packs that are not live', `select id from packs where state <> 'live'`);
  none('packs that no node needs', 'select id from packs where id not in (select pack_id from segment_packs)');
  none('pins', 'select * from pack_pins');
  none('checkpoints', 'select * from import_segments');
  none('volumes without a holder', 'select id from volumes where id not in (select volume_id from volume_references)');
  none('holders that are no image', 'select * from volume_references where holder_id not in (select id from images)');
  none('READY images without a volume', `select id from images where status = 'READY' and volume_id is null`);
  none(
    'images of a volume that they do not hold',
    `select id from images where volume_id is not null
       and not exists (select 1 from volume_references where holder_id = id and volume_references.volume_id = images.volume_id)`,
  );
  none('images that nobody makes', `select id from images where status <> 'READY'`);
  none('chunks of packs that are not there', 'select id from chunks where pack_id not in (select id from packs)');
  none('quarantined chunks', 'select id from chunks where quarantined = 1');
  const packs = new Set(rows('select id from packs').map(({ id }) => String(id)));
  const blobs = new Set((await listFiles(join(dataDirectory, 'packs'))).map((path) => path.split('/').at(-1) ?? ''));
  for (const pack of packs.difference(blobs)) found.push(`pack ${pack} without its blob`);
  for (const blob of blobs.difference(packs)) found.push(`blob ${blob} without its pack`);
  for (const folder of ['spool', 'uploads', join('packs', 'partial')]) {
    for (const name of await listFiles(join(dataDirectory, folder))) found.push(`${folder}/${name}`);
  }
  return found;
}

/** The uploads that there are, of which the sender may have heard or not. */
export function findUploads(dataDirectory: string): string[] {
  using database = new DatabaseSync(join(dataDirectory, 'metadata.db'), { readOnly: true, timeout: 5_000 });
  return database
    .prepare('select id from uploads')
    .all()
    .map(({ id }) => String(id));
}

/** Guest bytes of an operation's import that its checkpoints say are durable. */
export function checkpointedBytes(dataDirectory: string, operationId: string): number {
  using database = new DatabaseSync(join(dataDirectory, 'metadata.db'), { readOnly: true, timeout: 5_000 });
  const sql = 'select coalesce(sum(done_bytes), 0) as bytes from import_segments where operation_id = ?';
  return Number(database.prepare(sql).get(operationId)?.bytes);
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } catch {
    return []; // not every version has every folder
  }
}
