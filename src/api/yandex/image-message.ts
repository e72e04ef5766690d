import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type HardwareGeneration as HardwareGenerationMessage,
  type HardwareGenerationSchema,
  PCITopology,
} from '../../gen/yandex/cloud/compute/v1/hardware_generation_pb.ts';
import {
  Image_Status,
  type Image as ImageMessage,
  ImageSchema,
  Os_Type,
  type Os as OsMessage,
} from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import type { Image } from '../../images/image.ts';
import type { SourceReport } from '../../images/source-report.ts';
import type { HardwareGeneration } from '../../resources/hardware-generation.ts';
import type { Os } from '../../resources/os.ts';
import { sourceReportMessage } from '../obraz/source-report-message.ts';

/** The image as clients see it, with the report on its source where that is asked for. `os` and `hardware_generation` are always there: Terraform reads them unasked. */
export function imageMessage(image: Image, source?: SourceReport): ImageMessage {
  return create(ImageSchema, {
    id: image.id,
    folderId: image.folderId,
    createdAt: timestampFromDate(image.createdAt),
    name: image.name,
    description: image.description,
    labels: { ...image.labels },
    family: image.family,
    storageSize: BigInt(image.storageSizeBytes),
    minDiskSize: BigInt(image.minDiskSizeBytes),
    productIds: [...image.productIds],
    status: Image_Status[image.status],
    os: {
      type: Os_Type[image.os.type],
      ...(image.os.nvidiaDriver === '' ? {} : { nvidia: { driver: image.os.nvidiaDriver } }),
    },
    pooled: image.pooled,
    hardwareGeneration: hardwareGenerationMessage(image.hardwareGeneration),
    size: BigInt(image.sizeBytes),
    ...(image.guestDigest === '' ? {} : { obraz: obrazDetails(image, source) }),
  });
}

function obrazDetails({ guestDigest }: Image, source: SourceReport | undefined) {
  return source === undefined ? { guestDigest } : { guestDigest, source: sourceReportMessage(source) };
}

/** Undefined when the request leaves it to the source. Terraform always sends `os`, with type 0 when it has no wish. */
export function osOf(message: OsMessage | undefined): Os | undefined {
  const nvidiaDriver = message?.nvidia?.driver ?? '';
  if (message?.type === Os_Type.WINDOWS) return { type: 'WINDOWS', nvidiaDriver };
  if (message?.type === Os_Type.LINUX || nvidiaDriver !== '') return { type: 'LINUX', nvidiaDriver };
  return undefined;
}

/** Undefined when the request leaves it to the source. */
export function hardwareGenerationOf(message: HardwareGenerationMessage | undefined): HardwareGeneration | undefined {
  if (message?.features.case === 'generation2Features') return { kind: 'generation2' };
  if (message?.features.case !== 'legacyFeatures') return undefined;
  const { pciTopology } = message.features.value;
  return { kind: 'legacy', pciTopology: pciTopology === PCITopology.PCI_TOPOLOGY_V2 ? 'V2' : 'V1' };
}

function hardwareGenerationMessage(generation: HardwareGeneration): MessageInitShape<typeof HardwareGenerationSchema> {
  if (generation.kind === 'generation2') return { features: { case: 'generation2Features', value: {} } };
  const pciTopology = generation.pciTopology === 'V2' ? PCITopology.PCI_TOPOLOGY_V2 : PCITopology.PCI_TOPOLOGY_V1;
  return { features: { case: 'legacyFeatures', value: { pciTopology } } };
}
