import { DoorError } from '../fixtures/doors.ts';
import type { CrashClient } from './client.ts';
import type { ExpectedImages } from './expected-images.ts';

/** The image is READY, has its name, and reads back to its bytes. */
export async function checkImage(
  client: CrashClient,
  image: { id: string; name: string; sha256: string },
): Promise<void> {
  const { status, name } = await client.call('ImageService.Get', { imageId: image.id });
  if (status !== 'READY') throw new Error(`${image.name} was READY and is ${status}`);
  if (name !== image.name) throw new Error(`${image.name} is called ${name}`);
  const found = await client.contentSha256(image.id);
  if (found !== image.sha256) throw new Error(`${image.name} reads back as ${found}, it was ${image.sha256}`);
}

export interface CheckAll {
  readonly folderId: string;
  /** Images that somebody else looks after. */
  readonly besides: readonly string[];
}

/** The folder has the images that it should, no more and no less, with the right names and bytes. Returns those read. */
export async function checkAll(
  client: CrashClient,
  expected: ExpectedImages,
  { folderId, besides }: CheckAll,
): Promise<number> {
  const { images = [] } = await client.call('ImageService.List', { folderId, pageSize: 1000 });
  const listed = (images as { id: string }[]).map(({ id }) => id).toSorted(); // of Image messages
  const wanted = [...expected.ready.map(({ id }) => id), ...besides].toSorted();
  if (listed.join() !== wanted.join()) throw new Error(`the folder has ${listed}; it should have ${wanted}`);
  for (const image of expected.ready) await checkImage(client, image);
  for (const { id, state } of expected.all) {
    if (state !== 'gone') continue;
    const answer = await client.call('ImageService.Get', { imageId: id }).catch((error: unknown) => error);
    if (!(answer instanceof DoorError && answer.code === 5)) throw new Error(`${id} should be gone`);
  }
  return expected.ready.length;
}
