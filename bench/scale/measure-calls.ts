import { buffer } from 'node:stream/consumers';
import type { ApiClient } from '../../src/cli/api-client.ts';
import { RestClient } from '../../src/cli/rest-client.ts';
import { ImageService } from '../../src/gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { objectOf, parseJson, stringOf } from '../../src/lib/json.ts';
import { encodePageToken } from '../../src/lib/page.ts';
import type { Obraz } from '../../test/fixtures/obraz.ts';
import { putLoad } from '../put-load.ts';
import { imageNames } from './fill-folder.ts';
import type { Figure } from './sizes.ts';
import { latencies, timeEach } from './timing.ts';

const pages = 40;
const lookUps = 100;
const changes = 100;
/** Images that Get is asked for: more than any cache of the service has. */
const gotten = 5_000;

/** What a caller of a folder with these images waits for. `imageIds` are all, in the order of their ids and names. */
export async function measureCalls(client: ApiClient, obraz: Obraz, imageIds: readonly string[]): Promise<Figure[]> {
  return [
    ...(await measureGet(obraz, imageIds)),
    ...(await measureLists(client, obraz, imageIds)),
    ...(await measureFilters(client, obraz, imageIds.length)),
    ...(await measureComputeApi(obraz, imageIds.length)),
    ...(await measureChanges(client, obraz, imageIds[0] ?? '')),
  ];
}

async function measureGet(obraz: Obraz, imageIds: readonly string[]): Promise<Figure[]> {
  const { endpoint, ca, token, folderId } = obraz;
  const some = Array.from({ length: Math.min(gotten, imageIds.length) }, (_, at) => spread(imageIds, at * 0.618) ?? '');
  const at = { endpoint, ca, token, folderId, imageIds: some, connections: 4, inFlight: 8, seconds: 4 };
  const { perSecond, p99Ms } = await putLoad({ ...at, method: 'get' });
  return [
    { what: 'Get, 32 at once', unit: 'calls/s', value: perSecond },
    { what: 'Get, 32 at once, p99', unit: 'ms', value: p99Ms },
  ];
}

/** The element at a fraction of the list's length, all over it as the number grows. */
function spread<T>(list: readonly T[], place: number): T | undefined {
  return list[Math.floor((place % 1) * list.length)];
}

async function measureLists(client: ApiClient, { folderId }: Obraz, imageIds: readonly string[]): Promise<Figure[]> {
  const query = ['images', folderId, '', 'id', 'asc'];
  const behind = (id: string | undefined) => (id === undefined ? '' : encodePageToken(query, { key: '', id }));
  const figures: Figure[] = [];
  for (const [place, pageToken] of [
    ['at the start', ''],
    ['in the middle', behind(imageIds.at(-Math.max(1000, Math.floor(imageIds.length / 2)) - 1))],
    ['at the end', behind(imageIds.at(-1001))],
  ] as const) {
    const times = await timeEach(pages, async () => {
      const { images } = await client.call(ImageService.method.list, { folderId, pageSize: 1000n, pageToken });
      if (images.length < 999) throw new Error(`a page of ${images.length}`);
    });
    figures.push(...latencies(`List page of 1,000 ${place}`, times));
  }
  return figures;
}

async function measureFilters(client: ApiClient, { folderId }: Obraz, count: number): Promise<Figure[]> {
  const list = async (filter: string, times: number) =>
    timeEach(times, (at) => {
      const number = Math.floor(((at * 0.618) % 1) * count);
      return client.call(ImageService.method.list, {
        folderId,
        pageSize: 100n,
        filter: filter.replace('#', imageNames.name(number)),
      });
    });
  const family = (at: number) => imageNames.family(Math.floor(((at * 0.618) % 1) * count));
  return [
    ...latencies('List filtered by a name', await list('name="#"', lookUps)),
    ...latencies('List filtered by a family that there is not', await list('family="none"', 10)),
    ...latencies('List filtered by a label that there is not', await list('labels.stage="none"', 10)),
    ...latencies('List filtered by a status that there is not', await list('status="ERROR"', 10)),
    ...latencies(
      'GetLatestByFamily',
      await timeEach(lookUps, (at) =>
        client.call(ImageService.method.getLatestByFamily, { folderId, family: family(at) }),
      ),
    ),
  ];
}

async function measureComputeApi(obraz: Obraz, count: number): Promise<Figure[]> {
  const { endpoint, ca, token, folderId } = obraz;
  const { signal } = new AbortController();
  await using rest = new RestClient({ endpoint, ca, token }, 1);
  const get = async (path: string) => {
    const { body } = await rest.request(`/compute/v1/projects/${folderId}/global/images${path}`, {
      method: 'GET',
      signal,
    });
    return objectOf(parseJson((await buffer(body)).toString()), 'reply');
  };
  const byName = await timeEach(lookUps, (at) => get(`/${imageNames.name(Math.floor(((at * 0.618) % 1) * count))}`));
  const filter = encodeURIComponent(`name = ${imageNames.name(count - 1)}`);
  const onePage = await timeEach(10, () => get(`?filter=${filter}`));
  // As gcloud and the SDKs do: until there is no next page.
  let walked = 0;
  const begun = performance.now();
  for (let pageToken: string | undefined = ''; pageToken !== undefined; walked += 1) {
    const page = await get(`?filter=${filter}&pageToken=${pageToken}`);
    pageToken = page.nextPageToken === undefined ? undefined : stringOf(page, 'nextPageToken');
  }
  return [
    ...latencies('Compute API: an image by its name', byName),
    ...latencies('Compute API: one page of a filter that matches one image', onePage),
    { what: 'Compute API: all pages of that filter', unit: 's', value: (performance.now() - begun) / 1000 },
    { what: 'Compute API: how many those are', unit: 'pages', value: walked },
  ];
}

async function measureChanges(client: ApiClient, { folderId }: Obraz, imageId: string): Promise<Figure[]> {
  const source = { case: 'imageId', value: imageId } as const;
  const create = await timeEach(changes, (at) =>
    client.call(ImageService.method.create, { folderId, name: `made-${at}-${performance.now().toFixed(0)}`, source }),
  );
  const { images } = await client.call(ImageService.method.list, {
    folderId,
    pageSize: 1000n,
    orderBy: 'createdAt desc',
  });
  const made = images.filter(({ name }) => name.startsWith('made-'));
  const remove = await timeEach(made.length - 3, (at) => {
    const image = at < 0 ? undefined : made[at];
    return client.call(ImageService.method.delete, { imageId: image?.id ?? '' }).catch(() => {});
  });
  return [...latencies('Create, image from image', create), ...latencies('Delete of an image', remove)];
}
