import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Upload } from './upload.ts';
import { filenameOf, parseUploadMetadata } from './upload-metadata.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const filename = (name: string) => filenameOf({ metadata: `filename ${base64(name)}` } as Upload); // nothing else of it is looked at

test('reads keys and base64 values', () => {
  const values = parseUploadMetadata(`filename ${base64('диск.qcow2')},folderId ${base64('b1g')}, empty,also `);
  assert.deepEqual(Object.fromEntries(values ?? []), { filename: 'диск.qcow2', folderId: 'b1g', empty: '', also: '' });
  assert.equal(parseUploadMetadata('')?.size, 0);
});

test('refuses what is not well formed', () => {
  for (const text of [',', 'a b c', 'a !', `a ${base64('x')},a ${base64('y')}`, 'ключ YQ==', 'a\tYQ==', 'a YQ===']) {
    assert.equal(parseUploadMetadata(text), undefined, text);
  }
});

test('never fails, whatever comes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseUploadMetadata(text);
      assert.ok(filename(text).length <= 255);
    }),
  );
});

test('shows file names on one line', () => {
  assert.equal(filename('disk.raw'), 'disk.raw');
  assert.equal(filename('a\nb\u001b[31m\u202ec'), 'a\ufffdb\ufffd[31m\ufffdc');
  assert.equal(filename(''), '');
  assert.equal(filename('x'.repeat(300)).length, 255);
});
