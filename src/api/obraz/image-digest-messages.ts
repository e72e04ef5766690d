import { create } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { ComputeImageDigestMetadataSchema, ImageDigestSchema } from '../../gen/obraz/v1/image_digest_service_pb.ts';
import { imageDigestFromJson } from '../../images/image-digest.ts';
import type { Operation } from '../../operations/operation.ts';
import { importProgressMessage } from '../yandex/import-progress-message.ts';

/** What an operation of this kind carries. */
export const digestMessages = {
  metadata({ resourceId: imageId, done, progress }: Operation): Any {
    const shown = done && progress === undefined ? {} : { progress: importProgressMessage(progress) };
    return anyPack(ComputeImageDigestMetadataSchema, create(ComputeImageDigestMetadataSchema, { imageId, ...shown }));
  },
  response: (result: unknown): Any =>
    anyPack(ImageDigestSchema, create(ImageDigestSchema, imageDigestFromJson(result))),
};
