import { status } from '@grpc/grpc-js';
import { type Image, Image_Status } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { Operation } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { ApiFailed } from '../api-failed.ts';
import { CliFailed } from '../cli-failed.ts';
import { waitForOperation } from '../follow-operation.ts';
import { requestOf } from '../image/create.ts';
import { describeFailure } from '../report-failure.ts';
import type { Session } from '../session.ts';
import type { IndexFetcher } from './fetch-index.ts';
import type { FamilyEntry } from './image-list.ts';
import { deleteImage, findCreation, listOwnImages, surplusImages } from './own-images.ts';
import { digestLabel, labelsOf, nameOf, syncLabels } from './synced-image.ts';
import { describeUrl } from './upstream-failed.ts';
import { findUpstreamImage, type UpstreamImage } from './upstream-image.ts';

export interface SyncDeps {
  /** What it says of one family goes to its own terminal. */
  readonly session: Session;
  readonly folderId: string;
  readonly fetcher: IndexFetcher;
  readonly origins: readonly string[];
  /** Find out, and change nothing. */
  readonly dryRun: boolean;
}

/** What was done for a family, or would be. */
export interface FamilyResult {
  readonly family: string;
  readonly outcome: 'current' | 'imported' | 'would-import' | 'failed';
  /** What the publisher calls the newest; '' when it does not, or is not known. */
  readonly version: string;
  /** The image of the newest; undefined when there is none. */
  readonly image: Pick<Image, 'id' | 'name'> | undefined;
  /** Images that had become too many, and are gone, or would be. */
  readonly deleted: readonly Pick<Image, 'id' | 'name'>[];
  /** What went wrong; '' when all went well. */
  readonly problem: string;
}

/**
 * Sees to it that the newest image of a family is there, and that not more than the list says are kept. May be repeated
 * after any interruption: an import that goes on is waited for, and one that was made is found again.
 *
 * @throws UpstreamFailed, ApiFailed, Interrupted
 */
export async function syncFamily(entry: FamilyEntry, deps: SyncDeps): Promise<FamilyResult> {
  const { session, folderId, dryRun } = deps;
  const { family, keep } = entry;
  const upstream = await findUpstreamImage(entry.source, deps);
  const own = await listOwnImages(session, folderId, family);
  const found = findVersion(own, upstream);
  const about = { family, version: upstream.version };
  if (dryRun) {
    const outcome = found?.status === Image_Status.READY ? 'current' : 'would-import';
    return { ...about, outcome, image: found, deleted: surplusImages(own, found, keep), problem: '' };
  }
  const image = await ensureImage(entry, upstream, found, deps);
  const outcome = found?.status === Image_Status.READY ? 'current' : 'imported';
  // Listed again: another sync may have been at work meanwhile.
  const surplus = surplusImages(await listOwnImages(session, folderId, family), image, keep);
  return { ...about, outcome, image, ...(await deleteImages(session, surplus)) };
}

function findVersion(own: readonly Image[], { digest }: UpstreamImage): Image | undefined {
  return own.find(({ labels }) => labels[syncLabels.digest] === digestLabel(digest));
}

/** The image of this version, when it is READY. */
async function ensureImage(
  entry: FamilyEntry,
  upstream: UpstreamImage,
  found: Image | undefined,
  { session, folderId }: SyncDeps,
): Promise<Image> {
  if (found?.status === Image_Status.READY) return found;
  if (found !== undefined && found.status !== Image_Status.CREATING) {
    throw new CliFailed(`image ${found.id} of this version can be neither used nor waited for: delete it.`);
  }
  if (found === undefined) {
    session.terminal.err.write(`importing ${describeUrl(upstream.url)}\n`);
  } else {
    session.terminal.err.write(`waiting for image ${found.id}, which is being made\n`);
  }
  const creation =
    found === undefined
      ? await startImport(entry, upstream, { session, folderId })
      : await findCreation(session, found.id);
  if (creation !== undefined) await waitForOperation(session, creation);
  const made = findVersion(await listOwnImages(session, folderId, entry.family), upstream);
  if (made?.status === Image_Status.READY) return made;
  throw new CliFailed('the image was made, and is gone again or has lost its labels.');
}

/** Starts an import, or finds the one that another sync has started since we looked; undefined when that has ended. */
async function startImport(
  entry: FamilyEntry,
  upstream: UpstreamImage,
  { session, folderId }: Pick<SyncDeps, 'session' | 'folderId'>,
): Promise<Operation | undefined> {
  const { family, description, pooled, osType, minDiskSizeBytes: minDiskSize } = entry;
  const { digest, url } = upstream;
  const request = requestOf({
    name: nameOf(family, upstream),
    labels: { ...entry.labels, ...labelsOf(family, upstream) },
    ...{ family, description, pooled, osType, minDiskSize },
    ...(digest.algorithm === 'sha256' ? { sourceSha256: digest.hex } : { sourceSha512: digest.hex }),
  });
  const source = { case: 'uri', value: url } as const;
  try {
    return await session.api.call(ImageService.method.create, { ...request, folderId, source }, session);
  } catch (error) {
    if (!(error instanceof ApiFailed && error.code === status.ALREADY_EXISTS)) throw error;
    const rival = findVersion(await listOwnImages(session, folderId, family), upstream);
    if (rival === undefined) throw error; // somebody else's image has the name
    return await findCreation(session, rival.id);
  }
}

/** One that can't be deleted keeps no other from it: the next run tries again. */
async function deleteImages(
  session: Session,
  images: readonly Image[],
): Promise<Pick<FamilyResult, 'deleted' | 'problem'>> {
  const deleted: Image[] = [];
  const problems: string[] = [];
  for (const image of images) {
    try {
      await deleteImage(session, image);
      deleted.push(image);
    } catch (error) {
      if (session.signal.aborted) throw error;
      const isGone = error instanceof ApiFailed && error.code === status.NOT_FOUND;
      if (!isGone) problems.push(`image ${image.id} stays: ${describeFailure(error)}`);
    }
  }
  return { deleted, problem: problems.join('; ') };
}
