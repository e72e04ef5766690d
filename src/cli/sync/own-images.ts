import { type Image, Image_Status } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import type { Operation } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { listAll, quote } from '../find-resources.ts';
import { waitForOperation } from '../follow-operation.ts';
import { imageKind } from '../image/image-kind.ts';
import type { Session } from '../session.ts';
import { syncLabels } from './synced-image.ts';

/** The images of the family in the folder that syncs have made: never one that somebody made in another way. */
export async function listOwnImages(session: Session, folderId: string, family: string): Promise<Image[]> {
  const filter = `family = ${quote(family)} AND labels.${syncLabels.family} = ${quote(family)}`;
  return await listAll(0, (pageSize, pageToken) =>
    imageKind.list(session, { folderId, pageSize, pageToken, filter, orderBy: '' }),
  );
}

/**
 * Those that are to go so that `keep` stay, `newest` among them: the oldest. Images that are not READY are left alone.
 *
 * @param newest undefined while it is not there yet; its place is kept free
 */
export function surplusImages(own: readonly Image[], newest: Image | undefined, keep: number): Image[] {
  const others = own.filter(({ id, status }) => status === Image_Status.READY && id !== newest?.id);
  return others.sort((a, b) => timeOf(b) - timeOf(a)).slice(keep - 1);
}

/** The operation that makes the image; undefined when it has ended. */
export async function findCreation(session: Session, imageId: string): Promise<Operation | undefined> {
  const { items } = await imageKind.listOperations(session, imageId, { pageSize: 100n, pageToken: '' });
  return items.find(({ done }) => !done);
}

/** Deletes the image, and waits for it. Throws ApiFailed. */
export async function deleteImage(session: Session, { id }: Image): Promise<void> {
  await waitForOperation(session, await imageKind.delete(session, id));
}

function timeOf({ createdAt }: Image): number {
  return Number(createdAt?.seconds ?? 0n) * 1000 + Math.floor((createdAt?.nanos ?? 0) / 1_000_000);
}
