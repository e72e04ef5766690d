import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Image_Status,
  type Image as ImageMessage,
  ImageSchema,
  Os_Type,
  type Os as OsMessage,
} from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import type { Image } from '../../images/image.ts';
import type { SourceReport } from '../../images/source-report.ts';
import type { Os } from '../../resources/os.ts';
import { sourceReportMessage } from '../obraz/source-report-message.ts';
import { hardwareGenerationMessage } from './hardware-generation-message.ts';

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
