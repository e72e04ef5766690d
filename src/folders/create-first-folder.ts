import type { Transaction } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import { insertCloud, listCloudRows } from './cloud-rows.ts';
import type { Cloud, Folder } from './folder.ts';
import { insertFolder, listFolderRows } from './folder-rows.ts';

/** Named as the public cloud names the folder that a new cloud comes with. */
const firstName = 'default';

/**
 * The cloud and the folder that the service comes with, both named `default`: makes what is not there. May be called
 * at every start.
 */
export async function createFirstFolder(
  tx: Transaction,
  { now = new Date() }: { readonly now?: Date } = {},
): Promise<{ cloud: Cloud; folder: Folder }> {
  const names = [firstName];
  const [cloud = await addCloud(tx, now)] = await listCloudRows(tx, { names, after: undefined, limit: 1 });
  const query = { cloudId: cloud.id, names, after: undefined, limit: 1 };
  const [folder = await addFolder(tx, cloud.id, now)] = await listFolderRows(tx, query);
  return { cloud, folder };
}

async function addCloud(tx: Transaction, createdAt: Date): Promise<Cloud> {
  const cloud = { id: newId('b1g'), createdAt, name: firstName, description: '', organizationId: '', labels: {} };
  await insertCloud(tx, cloud);
  return cloud;
}

async function addFolder(tx: Transaction, cloudId: string, createdAt: Date): Promise<Folder> {
  const about = { createdAt, name: firstName, description: '', labels: {}, status: 'ACTIVE' } as const;
  const folder = { id: newId('b1g'), cloudId, ...about };
  await insertFolder(tx, folder);
  return folder;
}
