import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';

test('sums as RFC 3720 has it', () => {
  const examples: readonly (readonly [Uint8Array, number])[] = [
    [Buffer.from('123456789'), 0xe3069283],
    [Buffer.alloc(0), 0],
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ];
  for (const [bytes, sum] of examples) assert.equal(crc32c(bytes), sum);
});

test('sums parts as it sums the whole', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes));
  });
  fc.assert(property);
});
