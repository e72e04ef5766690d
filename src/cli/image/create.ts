import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import {
  type HardwareGenerationSchema,
  PCITopology,
} from '../../gen/yandex/cloud/compute/v1/hardware_generation_pb.ts';
import { Os_Type } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { type CreateImageRequestSchema, ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { findFolderId, findImageByName, imageByName } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';

/** The flags of `image create`, as yc names them. */
export interface CreateFlags {
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
  readonly sourceImageId?: string;
  readonly sourceImageName?: string;
  readonly sourceFamily?: string;
  readonly sourceImageFolderId?: string;
  readonly hardwareGenerationId?: 'legacy' | 'generation2';
  readonly hardwareFeatures?: Readonly<Record<string, string>>;
  readonly async?: boolean;
}

export function addCreate(parent: Command, toAction: ToAction): void {
  parent
    .command('create')
    .description('make an image from a disk file, here or at a URL, or from another image')
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
    .option('--source-image-id <id>', 'image to copy')
    .option('--source-image-name <name>', 'image to copy, by name')
    .option('--source-family <family>', 'family whose newest image to copy')
    .option('--source-image-folder-id <id>', 'folder of the image or family to copy')
    .addOption(
      new Option('--hardware-generation-id <id>', 'virtual hardware it boots on').choices(['legacy', 'generation2']),
    )
    .option(
      '--hardware-features <key=value,...>',
      'pci_topology=v1 or v2, of the legacy generation',
      readFlag.keyValues,
    )
    .option('--async', 'print the operation and do not wait for it')
    .action(
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
} as const satisfies Partial<Record<keyof CreateFlags, string>>;

/** @throws CliFailed unless the flags name one source */
export function checkSources(flags: CreateFlags): void {
  const given = Object.entries(sourceFlags).flatMap(([name, flag]) => (Object.hasOwn(flags, name) ? [flag] : []));
  const [first, second] = given;
  if (first === undefined) throw new CliFailed(`give a source: one of ${Object.values(sourceFlags).join(', ')}.`);
  if (second !== undefined) throw new CliFailed(`${given.join(' and ')} exclude each other: give one source.`);
}

/** Uploads the file, after a look at what would make the image impossible: it may take hours. */
async function upload(session: Session, file: string, folderId: string, name: string | undefined) {
  const image = name === undefined ? undefined : await findImageByName(session, name, folderId);
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
  const folderId = flags.sourceImageFolderId ?? (await findFolderId(session));
  const image =
    sourceImageName === undefined
      ? await session.api.call(ImageService.method.getLatestByFamily, { folderId, family: sourceFamily ?? '' }, session)
      : await imageByName(session, sourceImageName, folderId);
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

function hardwareGenerationOf({
  hardwareGenerationId,
  hardwareFeatures,
}: CreateFlags): MessageInitShape<typeof HardwareGenerationSchema> | undefined {
  const { pci_topology: topology, ...unknown } = hardwareFeatures ?? {};
  const [unknownFeature] = Object.keys(unknown);
  if (unknownFeature !== undefined) throw new CliFailed(`there is no hardware feature "${unknownFeature}".`);
  if (hardwareGenerationId === 'generation2') {
    if (topology !== undefined) throw new CliFailed('pci_topology is a feature of the legacy hardware generation.');
    return { features: { case: 'generation2Features', value: {} } };
  }
  if (hardwareGenerationId === undefined && topology === undefined) return undefined;
  return { features: { case: 'legacyFeatures', value: { pciTopology: readTopology(topology) } } };
}

function readTopology(text: string | undefined): PCITopology {
  switch (text?.toLowerCase()) {
    case undefined:
      return PCITopology.PCI_TOPOLOGY_UNSPECIFIED;
    case 'v1':
      return PCITopology.PCI_TOPOLOGY_V1;
    case 'v2':
      return PCITopology.PCI_TOPOLOGY_V2;
    default:
      throw new CliFailed(`pci_topology "${text}" is neither v1 nor v2.`);
  }
}
