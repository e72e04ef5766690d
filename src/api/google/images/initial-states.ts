import { fromJsonString } from '@bufbuild/protobuf';
import { type InitialStateConfig, InitialStateConfigSchema } from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import type { FolderImageFunctions } from '../../folder-functions.ts';

/** In characters of JSON. One state has up to 128 Ki of them, and a page up to 500 images. */
const maxTogether = 4 * 1024 * 1024;

/** So many are read at once, which bounds what is read in vain. */
const readAtOnce = 64;

export interface InitialStates {
  readonly byImage: ReadonlyMap<string, InitialStateConfig>;
  /** How many of the images, from the first on, fit into one reply; one at least. */
  readonly fitting: number;
}

/** What the firmware of machines begins with that are started from these images; of those that fit into one reply. */
export async function initialStatesOf(
  { getInitialStates }: Pick<FolderImageFunctions, 'getInitialStates'>,
  imageIds: readonly string[],
): Promise<InitialStates> {
  const byImage = new Map<string, InitialStateConfig>();
  let length = 0;
  for (let start = 0; start < imageIds.length; start += readAtOnce) {
    const ids = imageIds.slice(start, start + readAtOnce);
    const states = await getInitialStates({ imageIds: ids });
    for (const [index, id] of ids.entries()) {
      const state = states.get(id);
      if (state === undefined) continue;
      const text = JSON.stringify(state);
      length += text.length;
      if (length > maxTogether && start + index > 0) return { byImage, fitting: start + index };
      byImage.set(id, fromJsonString(InitialStateConfigSchema, text));
    }
  }
  return { byImage, fitting: imageIds.length };
}
