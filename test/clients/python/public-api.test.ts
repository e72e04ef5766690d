import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describeApi } from '../../contract/describe-api.ts';
import { servedTypes } from '../../contract/served-types.ts';
import { capture } from '../../fixtures/capture.ts';
import { commandOf, preparePython, whyMissing } from '../prepared.ts';

/**
 * test/contract/public-api.txt is what the published SDK has of the types that we serve. After a change of its version, or
 * for new types, `OBRAZ_TEST_WRITE=1` writes the table anew; its difference is what to look at.
 */
const table = join(import.meta.dirname, '..', '..', 'contract', 'public-api.txt');
const prepared = await preparePython();

test('the table of the public API is what the SDK has', { skip: whyMissing(prepared) }, async () => {
  const types = await servedTypes('yandex');
  const files = [...new Set(types.map(({ file }) => file.name))].sort();
  const [python = ''] = commandOf(prepared);
  const printed = await capture([python, join(import.meta.dirname, 'descriptors.py'), ...files]);
  const published = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(printed, 'base64')));
  const lines = types.flatMap(({ typeName }) => {
    const type = published.get(typeName);
    return type === undefined || type.kind === 'extension' ? [] : describeApi(type);
  });
  const text = `${lines.join('\n')}\n`;
  if (process.env.OBRAZ_TEST_WRITE === '1') await writeFile(table, text);
  assert.equal(await readFile(table, 'utf8'), text);
});
