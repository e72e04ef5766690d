import { status } from '@grpc/grpc-js';
import type { Image } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { CloudService } from '../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { FolderService } from '../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { ApiFailed } from './api-failed.ts';
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
  const cloudId = session.flags.cloudId ?? (await onlyCloudId(session));
  const request = { cloudId, pageSize: 2n, filter: `name = ${quote(name)}` };
  const { folders } = await session.api.call(FolderService.method.list, request, { signal: session.signal });
  const [folder] = folders;
  if (folder === undefined) throw new CliFailed(`there is no folder named "${name}" in cloud ${cloudId}.`);
  return folder.id;
}

async function onlyCloudId(session: Session): Promise<string> {
  const request = { pageSize: 2n };
  const { clouds } = await session.api.call(CloudService.method.list, request, { signal: session.signal });
  const [cloud, another] = clouds;
  if (cloud === undefined) throw new CliFailed('there is no cloud that you may see.');
  if (another !== undefined) throw new CliFailed('there are several clouds: say which with --cloud-id or --folder-id.');
  return cloud.id;
}

/** How the user named an image: one of the three. */
export interface ImageReference {
  /** A name or an id. */
  readonly image?: string | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** The image that is meant. What could be an id is first looked up as one. */
export async function findImage(session: Session, reference: ImageReference): Promise<Image> {
  const { image, id, name } = reference;
  if ([image, id, name].filter((given) => given !== undefined).length !== 1) {
    throw new CliFailed('name one image: by its name or id, by --id or by --name.');
  }
  if (id !== undefined) return await getImage(session, id);
  const nameOrId = name ?? image ?? '';
  if (name === undefined && /^[a-z0-9]{20}$/.test(nameOrId)) {
    try {
      return await getImage(session, nameOrId);
    } catch (error) {
      if (!(error instanceof ApiFailed && error.code === status.NOT_FOUND)) throw error;
    }
  }
  return await imageByName(session, nameOrId, await findFolderId(session));
}

/** The image of that name in a folder. */
export async function imageByName(session: Session, name: string, folderId: string): Promise<Image> {
  const image = await findImageByName(session, name, folderId);
  if (image === undefined) throw new CliFailed(`there is no image "${name}" in folder ${folderId}.`);
  return image;
}

export async function findImageByName(session: Session, name: string, folderId: string): Promise<Image | undefined> {
  const request = { folderId, pageSize: 2n, filter: `name = ${quote(name)}` };
  const { images } = await session.api.call(ImageService.method.list, request, { signal: session.signal });
  return images[0];
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

function getImage(session: Session, imageId: string): Promise<Image> {
  return session.api.call(ImageService.method.get, { imageId }, { signal: session.signal });
}

/** A string of the filter language. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
