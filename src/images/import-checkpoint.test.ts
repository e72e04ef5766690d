import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImportInput, writeImportInput } from './import-checkpoint.ts';

const input = {
  uri: 'https://images.example.com/x.tar.gz',
  sourceSha256: 'ab',
  sourceSha512: 'cd',
  sourceSha1: 'ef',
  form: 'raw-tar-gz',
  roundUpToBytes: 2 ** 30,
} as const;

test('an input is read as it was written', () => {
  assert.deepEqual(readImportInput(JSON.parse(JSON.stringify(writeImportInput(input)))), input);
});

test('the inputs of earlier versions ask for nothing that they did not know', () => {
  const { uri, sourceSha256, sourceSha512 } = input;
  const usual = { sourceSha512: '', sourceSha1: '', form: 'any', roundUpToBytes: 1 };
  assert.deepEqual(readImportInput({ uri, sourceSha256 }), { ...usual, uri, sourceSha256 });
  assert.deepEqual(readImportInput({ uri, sourceSha256, sourceSha512 }), { ...usual, uri, sourceSha256, sourceSha512 });
});

test('a form that is not known is not taken for another one', () => {
  assert.throws(() => readImportInput({ ...input, form: 'tar' }), /form of a source/);
});
