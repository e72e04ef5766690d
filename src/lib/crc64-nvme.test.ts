import assert from 'node:assert/strict';
import test from 'node:test';
import { Crc64Nvme } from './crc64-nvme.ts';

function sumOf(...pieces: readonly (string | Uint8Array)[]): string {
  const sum = new Crc64Nvme();
  for (const piece of pieces) sum.update(Buffer.from(piece));
  return sum.digest().toString('hex');
}

test('is the sum that the NVM Command Set Specification gives for its examples', () => {
  assert.equal(sumOf(new Uint8Array(4096)), '6482d367eb22b64e');
  assert.equal(sumOf(new Uint8Array(4096).fill(0xff)), 'c0ddba7302eca3ac');
});

test('is the check value of the catalogue of CRCs, in whatever pieces the bytes come', () => {
  assert.equal(sumOf('123456789'), 'ae8b14860a799888');
  for (let cut = 0; cut <= 9; cut += 1) {
    assert.equal(sumOf('123456789'.slice(0, cut), '123456789'.slice(cut)), 'ae8b14860a799888');
  }
  assert.equal(sumOf(), '0000000000000000');
});
