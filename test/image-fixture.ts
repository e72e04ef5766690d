import type { TestContext } from 'node:test';
import type { Caller } from '../src/access/caller.ts';
import type { Database } from '../src/db/database.ts';
import type { CreateImage } from '../src/images/create-image.ts';
import type { Image } from '../src/images/image.ts';
import { newId } from '../src/lib/ids.ts';
import type { OpenTestDatabase } from './fixtures/databases.ts';

export const folderId = 'b1gfolder00000000000';
export const volumeId = 'vol00000000000000000';
export const volumeSizeBytes = 10 * 1024 ** 3;

/** For tests: a database with one folder, and one volume that a sealed image may name. */
export async function openImageDatabase(t: TestContext, open: OpenTestDatabase): Promise<Database> {
  const db = await open(t);
  await insertFolder(db);
  const digests = { root_id: new Uint8Array(32), guest_digest: new Uint8Array(32), sha256: null };
  const sizes = { ...digests, size: volumeSizeBytes, stored_bytes: 1, created_at: 0 };
  const volume = { ...sizes, id: volumeId, domain_id: 'cloud' };
  await db.transact((tx) => tx.insertInto('volumes').values(volume).execute());
  return db;
}

/** The folder of the tests, in a cloud that is called `cloud`. */
export async function insertFolder(db: Database): Promise<void> {
  const common = { description: '', labels: '{}', created_at: 0, name: 'default' };
  await db.transact(async (tx) => {
    const cloud = { ...common, id: 'cloud', organization_id: '' };
    await tx.insertInto('clouds').values(cloud).execute();
    const folder = { ...common, id: folderId, cloud_id: 'cloud', status: 'ACTIVE' } as const;
    await tx.insertInto('folders').values(folder).execute();
  });
}

export function makeImage(changes: Partial<Image> = {}): Image {
  return {
    id: newId('fd8'),
    folderId,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    name: '',
    description: '',
    labels: {},
    family: '',
    storageSizeBytes: 1,
    minDiskSizeBytes: volumeSizeBytes,
    productIds: [],
    status: 'READY',
    os: { type: 'LINUX', nvidiaDriver: '' },
    pooled: false,
    hardwareGeneration: { kind: 'legacy', pciTopology: 'V1' },
    sizeBytes: volumeSizeBytes,
    guestDigest: 'ab',
    volumeId,
    ...changes,
  };
}

export function createRequest(changes: Partial<CreateImage> = {}): CreateImage {
  return {
    folderId,
    name: '',
    description: '',
    labels: {},
    family: '',
    minDiskSizeBytes: 0,
    productIds: [],
    source: { kind: 'uri', uri: 'https://images.example.com/a.qcow2' },
    os: undefined,
    pooled: false,
    hardwareGeneration: undefined,
    sourceSha256: '',
    ...changes,
  };
}

export const caller: Caller = {
  subjectId: 'ajetest0000000000000',
  requestId: 'request',
  idempotencyKey: undefined,
  requestHash: 'hash',
  method: 'Method',
};
