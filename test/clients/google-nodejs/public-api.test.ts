import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describeApi } from '../../contract/describe-api.ts';
import { servedTypes } from '../../contract/served-types.ts';
import { capture } from '../../fixtures/capture.ts';
import { temporaryDirectory } from '../../fixtures/obraz.ts';
import { commandOf, prepareGoogleNode, whyMissing } from '../prepared.ts';

/**
 * test/contract/public-compute-api.txt is what @google-cloud/compute has of the types that we serve. After a change of its
 * version, or for new types, `OBRAZ_TEST_WRITE=1` writes the table anew; its difference is what to look at.
 */
const root = join(import.meta.dirname, '..', '..', '..');
const table = join(root, 'test', 'contract', 'public-compute-api.txt');
const prepared = await prepareGoogleNode('cloud-story.mjs');

test('the table of the Compute Engine API is what the client has', { skip: whyMissing(prepared) }, async () => {
  const [, story = ''] = commandOf(prepared);
  await using folder = await temporaryDirectory();
  const modules = join(dirname(story), 'node_modules');
  const compute = join('google', 'cloud', 'compute', 'v1', 'compute.proto');
  await cp(join(modules, 'google-gax', 'build', 'protos', 'google'), join(folder.path, 'google'), { recursive: true });
  for (const file of [compute, join('google', 'cloud', 'extended_operations.proto')]) {
    await mkdir(dirname(join(folder.path, file)), { recursive: true });
    await cp(join(modules, '@google-cloud', 'compute', 'build', 'protos', file), join(folder.path, file));
  }
  const buf = join(root, 'node_modules', '.bin', 'buf');
  await capture([buf, 'build', '.', '--path', compute, '-o', 'published.binpb'], { cwd: folder.path });
  const published = fromBinary(FileDescriptorSetSchema, await readFile(join(folder.path, 'published.binpb')));
  const registry = createFileRegistry(published);
  const lines = (await servedTypes('compute')).flatMap(({ typeName }) => {
    const type = registry.get(typeName);
    return type === undefined || type.kind === 'extension' ? [] : describeApi(type);
  });
  const text = `${lines.join('\n')}\n`;
  if (process.env.OBRAZ_TEST_WRITE === '1') await writeFile(table, text);
  assert.equal(await readFile(table, 'utf8'), text);
});
