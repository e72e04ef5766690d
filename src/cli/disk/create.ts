import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { type CreateDiskRequestSchema, DiskService } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import type { Image } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { ZoneService } from '../../gen/yandex/cloud/compute/v1/zone_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { findFolderId } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import { addHardwareFlags, type HardwareFlags, hardwareGenerationOf } from '../hardware-flags.ts';
import { imageKind } from '../image/image-kind.ts';
import { onlyOneOf } from '../only-one-of.ts';
import { resourceByName } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { snapshotKind } from '../snapshot/snapshot-kind.ts';
import { addPlacementFlags, type PlacementFlags, placementPolicyOf } from './placement-flags.ts';

/** The API's own limit. */
const smallestDiskBytes = 4 * 1024 * 1024;

/** The flags of `disk create`, as yc names them. */
export interface CreateFlags extends HardwareFlags, PlacementFlags {
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly zone?: string;
  readonly type?: string;
  readonly size?: number;
  readonly blockSize?: number;
  readonly sourceImageId?: string;
  readonly sourceImageName?: string;
  readonly sourceImageFamily?: string;
  readonly sourceImageFolderId?: string;
  readonly sourceSnapshotId?: string;
  readonly sourceSnapshotName?: string;
  readonly async?: boolean;
}

export function addCreate(parent: Command, toAction: ToAction): void {
  const create = parent
    .command('create')
    .description('make a disk: blank, from an image or from a snapshot')
    .option('--name <name>', 'name of the disk')
    .option('--description <text>', 'description of the disk')
    .option('--labels <key=value,...>', 'labels of the disk', readFlag.keyValues)
    .option('--zone <zone>', 'zone of the disk (the first that there is)')
    .option('--type <type>', 'type of the disk (network-hdd)')
    .option('--size <size>', '10GB, 512MB; GB without a unit (as much as the source needs)', readFlag.byteSize)
    .option('--block-size <size>', '4KB to 128KB (4KB)', readFlag.byteSize)
    .option('--source-image-id <id>', 'image to begin with')
    .option('--source-image-name <name>', 'image to begin with, by name')
    .option('--source-image-family <family>', 'family whose newest image to begin with')
    .option('--source-image-folder-id <id>', 'folder of the image or family')
    .option('--source-snapshot-id <id>', 'snapshot to begin with')
    .option('--source-snapshot-name <name>', 'snapshot to begin with, by name')
    .option('--async', 'print the operation and do not wait for it');
  addHardwareFlags(addPlacementFlags(create)).action(
    toAction(async (session, command) => {
      const flags = command.opts<CreateFlags>();
      checkSources(flags);
      const folderId = await findFolderId(session);
      const { source, minSizeBytes } = await findSource(session, flags, folderId);
      const size = flags.size ?? (minSizeBytes === 0 ? 0 : sizeFor(minSizeBytes, flags.blockSize ?? 4096));
      if (size === 0) throw new CliFailed('give a --size: a disk without a source has none of its own.');
      const zoneId = flags.zone ?? (await firstZone(session));
      const request = { ...requestOf(flags), folderId, zoneId, size: BigInt(size), source };
      await finishOrShow(session, await session.api.call(DiskService.method.create, request, session), flags);
    }),
  );
}

type CreateRequest = MessageInitShape<typeof CreateDiskRequestSchema>;

/** What the flags say of the new disk, apart from its folder, its zone, its source and its size. */
export function requestOf(flags: CreateFlags): CreateRequest {
  const hardwareGeneration = hardwareGenerationOf(flags);
  const diskPlacementPolicy = placementPolicyOf(flags);
  return {
    name: flags.name ?? '',
    description: flags.description ?? '',
    labels: flags.labels ?? {},
    typeId: flags.type ?? '',
    blockSize: BigInt(flags.blockSize ?? 0),
    ...(diskPlacementPolicy === undefined ? {} : { diskPlacementPolicy }),
    ...(hardwareGeneration === undefined ? {} : { hardwareGeneration }),
  };
}

/** @throws CliFailed when the flags name several sources */
export function checkSources(flags: CreateFlags): void {
  onlyOneOf(flags, {
    sourceImageId: '--source-image-id',
    sourceImageName: '--source-image-name',
    sourceImageFamily: '--source-image-family',
    sourceSnapshotId: '--source-snapshot-id',
    sourceSnapshotName: '--source-snapshot-name',
  });
}

interface Source {
  readonly source: NonNullable<CreateRequest['source']>;
  /** 0 when there is no source. */
  readonly minSizeBytes: number;
}

/** The source that the flags name, with names and families resolved to an id. */
async function findSource(session: Session, flags: CreateFlags, folderId: string): Promise<Source> {
  const { sourceSnapshotId, sourceSnapshotName } = flags;
  const image = await findImage(session, flags, folderId);
  if (image !== undefined) {
    return { source: { case: 'imageId', value: image.id }, minSizeBytes: Number(image.minDiskSize) };
  }
  if (sourceSnapshotId === undefined && sourceSnapshotName === undefined) {
    return { source: { case: undefined }, minSizeBytes: 0 };
  }
  const snapshot =
    sourceSnapshotId === undefined
      ? await resourceByName(session, snapshotKind, sourceSnapshotName ?? '', folderId)
      : await snapshotKind.get(session, sourceSnapshotId);
  return { source: { case: 'snapshotId', value: snapshot.id }, minSizeBytes: Number(snapshot.diskSize) };
}

async function findImage(session: Session, flags: CreateFlags, ownFolderId: string): Promise<Image | undefined> {
  const { sourceImageId, sourceImageName, sourceImageFamily: family } = flags;
  const folderId = flags.sourceImageFolderId ?? ownFolderId;
  if (sourceImageId !== undefined) return await imageKind.get(session, sourceImageId);
  if (sourceImageName !== undefined) return await resourceByName(session, imageKind, sourceImageName, folderId);
  if (family === undefined) return undefined;
  return await session.api.call(ImageService.method.getLatestByFamily, { folderId, family }, session);
}

async function firstZone(session: Session): Promise<string> {
  const { zones } = await session.api.call(ZoneService.method.list, { pageSize: 1n }, session);
  return zones[0]?.id ?? '';
}

/** The smallest size that a disk may have which holds so much. */
function sizeFor(minSizeBytes: number, blockBytes: number): number {
  return Math.ceil(Math.max(minSizeBytes, smallestDiskBytes) / blockBytes) * blockBytes;
}
