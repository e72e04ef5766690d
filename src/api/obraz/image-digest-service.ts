import type { Caller } from '../../access/caller.ts';
import { ImageDigestService } from '../../gen/obraz/v1/image_digest_service_pb.ts';
import type { Image } from '../../images/image.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import { authorized } from '../authorized.ts';
import { operationMessage } from '../yandex/operation-message.ts';

export interface DigestFunctions {
  getImage(request: { imageId: string }): Promise<Image>;
  computeDigest(request: { imageId: string }, caller: Caller): Promise<Operation>;
}

export function imageDigestService({ getImage, computeDigest }: DigestFunctions): ApiService {
  return authenticatedService(ImageDigestService, {
    async compute({ imageId }, { authorize, caller }) {
      await authorized(authorize, 'Image', imageId, () => getImage({ imageId }));
      return operationMessage(await computeDigest({ imageId }, caller));
    },
  });
}
