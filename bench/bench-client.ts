import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ApiClient } from '../src/cli/api-client.ts';
import { CreateImageMetadataSchema, ImageService } from '../src/gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { Operation } from '../src/gen/yandex/cloud/operation/operation_pb.ts';
import { OperationService } from '../src/gen/yandex/cloud/operation/operation_service_pb.ts';
import type { Obraz } from '../test/fixtures/obraz.ts';

/** How often an operation is looked at: finer than what is measured, and nothing beside it. */
const pollMs = 50;

export function openClient({ endpoint, ca, token }: Obraz): ApiClient {
  return new ApiClient({ endpoint, ca, token });
}

/** Creates an image from an address and waits until it is READY; returns its id. */
export async function importImage(
  client: ApiClient,
  obraz: Obraz,
  uri: string,
  options: { readonly pooled?: boolean } = {},
): Promise<string> {
  const { folderId } = obraz;
  const source = { case: 'uri', value: uri } as const;
  const operation = await client.call(ImageService.method.create, { folderId, source, ...options });
  return await untilDone(client, operation);
}

/** Creates an image from another one; returns the new one's id. */
export async function copyImage(client: ApiClient, obraz: Obraz, imageId: string, name: string): Promise<string> {
  const { folderId } = obraz;
  const source = { case: 'imageId', value: imageId } as const;
  return await untilDone(client, await client.call(ImageService.method.create, { folderId, name, source }));
}

async function untilDone(client: ApiClient, started: Operation): Promise<string> {
  let operation = started;
  while (!operation.done) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    operation = await client.call(OperationService.method.get, { operationId: operation.id });
  }
  if (operation.result.case === 'error') throw new Error(operation.result.value.message);
  const { metadata } = operation;
  const created = metadata === undefined ? undefined : anyUnpack(metadata, CreateImageMetadataSchema);
  if (created === undefined) throw new Error('the operation says no image id');
  return created.imageId;
}

/** Bytes of all packs that a service keeps. */
export async function storedBytes({ dataDirectory }: Obraz): Promise<number> {
  return await folderBytes(join(dataDirectory, 'packs'));
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await folderBytes(path) : (await stat(path)).size;
  }
  return bytes;
}
