import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { noise } from '../../../test/fixtures/qemu.ts';
import { buildXz } from '../../../test/fixtures/xz-builder.ts';
import { InOrderReader } from '../in-order-reader.ts';
import { defaultUnwrapLimits } from '../unwrap-limits.ts';
import { xz } from './xz.ts';

test('unpacks a file whose decoder asks for input while its output is still being taken', {
  timeout: 20_000,
}, async () => {
  // The last bytes come out while the mebibyte before them is handed on: that is when the decoder asks for what follows.
  const data = noise(2 ** 20 + 1000, 1);
  const source = new MemorySource(buildXz({ data }));
  const reader = new InOrderReader(source, { maxSilentBytes: 2 ** 30, onSilence: () => new Error('silence') });
  const facts = { streams: undefined, ignoredBytes: 0, notes: [] };
  const chunks: Uint8Array[] = [];
  for await (const chunk of xz.decompress({ reader, limits: defaultUnwrapLimits, facts })) {
    chunks.push(chunk.slice());
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(Buffer.concat(chunks).equals(data));
});
