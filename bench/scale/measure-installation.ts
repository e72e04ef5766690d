import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ApiClient } from '../../src/cli/api-client.ts';
import { dedupDomainOf } from '../../src/folders/dedup-domain.ts';
import { ImageService } from '../../src/gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { Obraz } from '../../test/fixtures/obraz.ts';
import { importImage, openClient } from '../bench-client.ts';
import type { DiskFile } from '../disks.ts';
import { memoryMiB } from '../process-usage.ts';
import type { WebServer } from '../web-server.ts';
import { gatherStatistics } from './bulk.ts';
import { fillFolder, type TemplateImage } from './fill-folder.ts';
import { fillIndex } from './fill-index.ts';
import { type Installation, openMetadata, openStore, serve } from './installation.ts';
import { measureCalls } from './measure-calls.ts';
import { measureDisks } from './measure-disks.ts';
import { measureImports } from './measure-imports.ts';
import { measureStore } from './measure-store.ts';
import type { Figure, Sizes } from './sizes.ts';
import { timeOnce } from './timing.ts';

/** So many images share a volume, as copies and tags do. */
const imagesOfVolume = 100;

export interface ScaleContext {
  readonly web: WebServer;
  /** The first is what the images of the folder are like; the others are imported when it is full. */
  readonly disks: readonly DiskFile[];
  say(text: string): void;
}

/** Makes an empty installation as large as `sizes` say, and measures all of it. It is removed again. */
export async function measureInstallation(
  installation: Installation,
  sizes: Sizes,
  context: ScaleContext,
): Promise<Figure[]> {
  const { say } = context;
  try {
    const template = await makeTemplate(installation, context);
    say('filling the index and the folder');
    const { imageIds, domainId, figures: fillFigures } = await fill(installation, template, sizes);
    say('serving it');
    const served = await measureServed(installation, imageIds, sizes, context);
    say('the store on its own');
    await using store = await openStore(installation);
    const figures = [...fillFigures, ...served, ...(await measureStore(store, domainId))];
    return figures;
  } finally {
    await rm(installation.dataDirectory, { recursive: true, force: true });
  }
}

interface Template extends TemplateImage {
  readonly folderId: string;
}

/** An image that the service itself imported, in its own words. */
async function makeTemplate(installation: Installation, { web, disks }: ScaleContext): Promise<Template> {
  await using obraz = await serve(installation);
  using client = openClient(obraz);
  const imageId = await importImage(client, obraz, addressOf(web, disks[0]));
  await client.call(ImageService.method.update, {
    imageId,
    updateMask: { paths: ['labels', 'description'] },
    labels: { stage: 'production', build: '20261121' },
    description: 'made by the nightly build',
  });
  const { operations } = await client.call(ImageService.method.listOperations, { imageId });
  const created = operations.find(({ description }) => description === 'Create image');
  await obraz.end();
  return { imageId, operationId: created?.id ?? '', folderId: obraz.folderId };
}

async function fill(installation: Installation, template: Template, { chunks, images }: Sizes) {
  await using db = await openMetadata(installation);
  const domainId = await dedupDomainOf(db.read, template.folderId);
  const figures: Figure[] = [];
  let imageIds: string[] = [];
  const volumes = await fillIndex(installation, db, { domainId, chunks, volumes: images / imagesOfVolume });
  figures.push(
    await timeOnce('Filling of the folder, by the benchmark', async () => {
      imageIds = await fillFolder(db, template, { count: images, volumes });
    }),
  );
  await gatherStatistics(db);
  return { imageIds, domainId, figures };
}

async function measureServed(
  installation: Installation,
  imageIds: readonly string[],
  { disks: count }: Sizes,
  { web, disks, say }: ScaleContext,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  let obraz: Obraz | undefined;
  figures.push(
    await timeOnce('Start to serving', async () => {
      obraz = await serve(installation);
    }),
  );
  if (obraz === undefined) throw new Error('it is not served');
  await using served = obraz;
  using client = openClient(served);
  figures.push({ what: 'Memory when idle', unit: 'MiB', value: memoryMiB(served.pid, 'VmRSS') });
  say('imports');
  figures.push(...(await measureImports(client, served, web, disks.slice(1))));
  say('calls');
  figures.push(...(await measureCalls(client, served, imageIds)));
  say('disks');
  const image = await firstImage(client, imageIds[0] ?? '');
  figures.push(...(await measureDisks(client, served, { ...image, count })));
  await served.end();
  return figures;
}

async function firstImage(client: ApiClient, imageId: string) {
  const { minDiskSize } = await client.call(ImageService.method.get, { imageId });
  return { imageId, sizeBytes: Math.max(2 ** 30, Number(minDiskSize)) };
}

function addressOf({ origin }: WebServer, disk: DiskFile | undefined): string {
  return `${origin}/${basename(disk?.path ?? '')}`;
}
