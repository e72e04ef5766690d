import { CloudService } from '../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { FolderService } from '../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { CliFailed } from './cli-failed.ts';
import type { Session } from './session.ts';

const defaultFolderName = 'default';
/** The largest page that the API gives. */
const largestPage = 1000n;

/** The folder to work in: --folder-id, --folder-name, OBRAZ_FOLDER_ID, or else the one named `default`. */
export async function findFolderId(session: Session): Promise<string> {
  const { flags, environment } = session;
  if (flags.folderId !== undefined) return flags.folderId;
  if (flags.folderName === undefined && environment.folderId !== undefined) return environment.folderId;
  return await folderIdByName(session, flags.folderName ?? defaultFolderName);
}

async function folderIdByName(session: Session, name: string): Promise<string> {
  const cloudId = await findCloudId(session);
  const request = { cloudId, pageSize: 2n, filter: `name = ${quote(name)}` };
  const { folders } = await session.api.call(FolderService.method.list, request, { signal: session.signal });
  const [folder] = folders;
  if (folder === undefined) throw new CliFailed(`there is no folder named "${name}" in cloud ${cloudId}.`);
  return folder.id;
}

/** The cloud to work in: --cloud-id, or else the only one that the user may see. */
export async function findCloudId(session: Session): Promise<string> {
  if (session.flags.cloudId !== undefined) return session.flags.cloudId;
  const request = { pageSize: 2n };
  const { clouds } = await session.api.call(CloudService.method.list, request, { signal: session.signal });
  const [cloud, another] = clouds;
  if (cloud === undefined) throw new CliFailed('there is no cloud that you may see: name the folder with --folder-id.');
  if (another !== undefined) throw new CliFailed('there are several clouds: say which with --cloud-id or --folder-id.');
  return cloud.id;
}

/** All pages of a list, or as many as give `limit` items; 0 is no limit. */
export async function listAll<T>(
  limit: number,
  page: (pageSize: bigint, pageToken: string) => Promise<{ items: readonly T[]; nextPageToken: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let pageToken = '';
  do {
    const wanted = limit === 0 ? largestPage : BigInt(Math.min(limit - all.length, Number(largestPage)));
    const { items, nextPageToken } = await page(wanted, pageToken);
    all.push(...items);
    pageToken = nextPageToken;
  } while (pageToken !== '' && (limit === 0 || all.length < limit));
  return all;
}

/** A string of the filter language. */
export function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
