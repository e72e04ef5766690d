import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import { Os_Type } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { type CreateImageRequestSchema, ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { diskKind } from '../disk/disk-kind.ts';
import { findFolderId } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import { addHardwareFlags, type HardwareFlags, hardwareGenerationOf } from '../hardware-flags.ts';
import { onlyOneOf } from '../only-one-of.ts';
import { findResourceByName, resourceByName } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { snapshotKind } from '../snapshot/snapshot-kind.ts';
import { imageKind } from './image-kind.ts';

/** The flags of `image create`, as yc names them. */
export interface CreateFlags extends HardwareFlags {
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly family?: string;
  readonly minDiskSize?: number;
  readonly productIds?: readonly string[];
  readonly pooled?: boolean;
  readonly osType?: 'linux' | 'windows';
  readonly osNvidiaDriver?: string;
  readonly file?: string;
  readonly sourceUri?: string;
  readonly sourceSha256?: string;
  readonly sourceSha512?: string;
  readonly sourceImageId?: string;
  readonly sourceImageName?: string;
  readonly sourceFamily?: string;
  readonly sourceDiskId?: string;
  readonly sourceDiskName?: string;
  readonly sourceSnapshotId?: string;
  readonly sourceSnapshotName?: string;
  readonly sourceImageFolderId?: string;
  readonly async?: boolean;
}

export function addCreate(parent: Command, toAction: ToAction): void {
  const create = parent
    .command('create')
    .description('make an image from a disk file, here or at a URL, from a disk, a snapshot or another image')
    .option('--name <name>', 'name of the image')
    .option('--description <text>', 'description of the image')
    .option('--labels <key=value,...>', 'labels of the image', readFlag.keyValues)
    .option('--family <family>', 'family of the image')
    .option(
      '--min-disk-size <size>',
      'smallest disk that may be made from it: 10GB, 512MB; GB without a unit',
      readFlag.byteSize,
    )
    .option('--product-ids <id,...>', 'product ids', readFlag.list)
    .option('--pooled', 'keep it ready for quick first boots')
    .addOption(new Option('--os-type <type>', 'operating system').choices(['linux', 'windows']))
    .option('--os-nvidia-driver <version>', 'NVIDIA driver in the image')
    .option('--file <path>', 'disk file to upload and import; goes on where an earlier try ended')
    .option('--source-uri <url>', 'disk file to import, over http or https')
    .option('--source-sha256 <digest>', 'what the file must be; one at a URL is copied whole for that')
    .option('--source-sha512 <digest>', 'the same, for publishers that give no SHA-256')
    .option('--source-image-id <id>', 'image to copy')
    .option('--source-image-name <name>', 'image to copy, by name')
    .option('--source-family <family>', 'family whose newest image to copy')
    .option('--source-image-folder-id <id>', 'folder of the image or family to copy')
    .option('--source-disk-id <id>', 'disk whose content to keep')
    .option('--source-disk-name <name>', 'disk whose content to keep, by name')
    .option('--source-snapshot-id <id>', 'snapshot to make it of')
    .option('--source-snapshot-name <name>', 'snapshot to make it of, by name')
    .option('--async', 'print the operation and do not wait for it');
  addHardwareFlags(create).action(
    toAction(async (session, command) => {
      const flags = command.opts<CreateFlags>();
      checkSources(flags);
      const folderId = await findFolderId(session);
      const uploaded = flags.file === undefined ? undefined : await upload(session, flags.file, folderId, flags.name);
      const source = uploaded === undefined ? await findSource(session, flags) : uploaded.source;
      const request = { ...requestOf(flags), folderId, source };
      const operation = await session.api.call(ImageService.method.create, request, session);
      await finishOrShow(session, operation, flags);
      // Until then another try, with other flags, need not send it again.
      if (flags.async !== true) await uploaded?.forget();
    }),
  );
}

type CreateRequest = MessageInitShape<typeof CreateImageRequestSchema>;

/** What the flags say of the new image, apart from its folder and its source. */
export function requestOf(flags: CreateFlags): CreateRequest {
  const hardwareGeneration = hardwareGenerationOf(flags);
  const os = osOf(flags);
  return {
    name: flags.name ?? '',
    description: flags.description ?? '',
    labels: flags.labels ?? {},
    family: flags.family ?? '',
    minDiskSize: BigInt(flags.minDiskSize ?? 0),
    productIds: [...(flags.productIds ?? [])],
    pooled: flags.pooled ?? false,
    sourceSha256: flags.sourceSha256?.toLowerCase() ?? '',
    sourceSha512: flags.sourceSha512?.toLowerCase() ?? '',
    ...(os === undefined ? {} : { os }),
    ...(hardwareGeneration === undefined ? {} : { hardwareGeneration }),
  };
}

const sourceFlags = {
  file: '--file',
  sourceUri: '--source-uri',
  sourceImageId: '--source-image-id',
  sourceImageName: '--source-image-name',
  sourceFamily: '--source-family',
  sourceDiskId: '--source-disk-id',
  sourceDiskName: '--source-disk-name',
  sourceSnapshotId: '--source-snapshot-id',
  sourceSnapshotName: '--source-snapshot-name',
} as const satisfies Partial<Record<keyof CreateFlags, string>>;

/** @throws CliFailed unless the flags name one source */
export function checkSources(flags: CreateFlags): void {
  if (onlyOneOf(flags, sourceFlags) !== undefined) return;
  throw new CliFailed(`give a source: one of ${Object.values(sourceFlags).join(', ')}.`);
}

/** Uploads the file, after a look at what would make the image impossible: it may take hours. */
async function upload(session: Session, file: string, folderId: string, name: string | undefined) {
  const image = name === undefined ? undefined : await findResourceByName(session, imageKind, name, folderId);
  if (image !== undefined) throw new CliFailed(`there is an image named "${name}" already: ${image.id}.`);
  // Its HTTP client takes 50 ms to load, which other sources need not wait for.
  const { uploadFile } = await import('../upload/upload-file.ts');
  const { uri, forget } = await uploadFile({ ...session, ...session.environment, file, folderId });
  return { source: { case: 'uri', value: uri } as const, forget };
}

/** The source that the flags name, with names and families resolved to an image's id. */
async function findSource(session: Session, flags: CreateFlags): Promise<NonNullable<CreateRequest['source']>> {
  const { sourceUri, sourceImageId, sourceImageName, sourceFamily } = flags;
  if (sourceUri !== undefined) return { case: 'uri', value: sourceUri };
  if (sourceImageId !== undefined) return { case: 'imageId', value: sourceImageId };
  if (flags.sourceDiskId !== undefined) return { case: 'diskId', value: flags.sourceDiskId };
  if (flags.sourceSnapshotId !== undefined) return { case: 'snapshotId', value: flags.sourceSnapshotId };
  const { sourceDiskName, sourceSnapshotName } = flags;
  if (sourceDiskName !== undefined) {
    const disk = await resourceByName(session, diskKind, sourceDiskName, await findFolderId(session));
    return { case: 'diskId', value: disk.id };
  }
  if (sourceSnapshotName !== undefined) {
    const snapshot = await resourceByName(session, snapshotKind, sourceSnapshotName, await findFolderId(session));
    return { case: 'snapshotId', value: snapshot.id };
  }
  const folderId = flags.sourceImageFolderId ?? (await findFolderId(session));
  const image =
    sourceImageName === undefined
      ? await session.api.call(ImageService.method.getLatestByFamily, { folderId, family: sourceFamily ?? '' }, session)
      : await resourceByName(session, imageKind, sourceImageName, folderId);
  return { case: 'imageId', value: image.id };
}

function osOf({ osType, osNvidiaDriver }: CreateFlags): CreateRequest['os'] {
  if (osType === undefined && osNvidiaDriver === undefined) return undefined;
  const types = { linux: Os_Type.LINUX, windows: Os_Type.WINDOWS };
  return {
    type: osType === undefined ? Os_Type.TYPE_UNSPECIFIED : types[osType],
    ...(osNvidiaDriver === undefined ? {} : { nvidia: { driver: osNvidiaDriver } }),
  };
}
