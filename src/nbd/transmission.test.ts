import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DiskCall, MemoryDisk } from '../../test/fixtures/memory-disk.ts';
import { NbdClient, type RawRequest } from '../../test/fixtures/nbd-client.ts';
import { startNbd, type TestNbdOptions, ticket, until } from '../../test/fixtures/nbd-server.ts';
import { noise } from '../../test/fixtures/qemu.ts';
import { type ErrorName, errorNumber } from './transmission-numbers.ts';

const MiB = 2 ** 20;
const size = MiB;
const [read, write, disconnect, flush, trim, cache, zeroes, status] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const [fua, noHole, df, reqOne, fastZero] = [1, 2, 4, 8, 16] as const;

type Refused = [what: string, request: RawRequest, error: ErrorName, options?: TestNbdOptions];

const refused: Refused[] = [
  ['an unknown command', { type: 8, length: 1 }, 'EINVAL'],
  ['the last command there is', { type: 0xffff, length: 1 }, 'EINVAL'],
  ['an unknown flag', { type: read, flags: 32, length: 1 }, 'EINVAL'],
  ['a flag of another command', { type: read, flags: noHole, length: 1 }, 'EINVAL'],
  ['a write that is not to be fragmented', { type: write, flags: df, payload: Buffer.alloc(3) }, 'EINVAL'],
  ['one extent of a trim', { type: trim, flags: reqOne, length: 1 }, 'EINVAL'],
  ['a read of nothing', { type: read, length: 0 }, 'EINVAL'],
  ['a write of nothing', { type: write, length: 0 }, 'EINVAL'],
  ['a read that ends beyond the end', { type: read, offset: size - 1, length: 2 }, 'EINVAL'],
  ['a read that begins at the end', { type: read, offset: size, length: 1 }, 'EINVAL'],
  ['a trim beyond the end', { type: trim, offset: size - 1, length: 0xffff_ffff }, 'EINVAL'],
  ['a cache beyond the end', { type: cache, offset: size, length: 1 }, 'EINVAL'],
  ['a status beyond the end', { type: status, offset: 1, length: size }, 'EINVAL'],
  ['an offset whose sum with the length is small', { type: read, offset: 2n ** 64n - 1n, length: 2 }, 'EINVAL'],
  ['an offset that is a negative number', { type: trim, offset: 2n ** 63n, length: 1 }, 'EINVAL'],
  ['an offset that a number rounds', { type: read, offset: 2n ** 53n + 1n, length: 1 }, 'EINVAL'],
  ['a write beyond the end', { type: write, offset: size - 1, payload: Buffer.alloc(2) }, 'ENOSPC'],
  ['a write far beyond the end', { type: write, offset: 2n ** 64n - 512n, payload: Buffer.alloc(512) }, 'ENOSPC'],
  ['zeroes beyond the end', { type: zeroes, offset: size, length: 1 }, 'ENOSPC'],
  ['a flush of a range', { type: flush, length: 1 }, 'EINVAL'],
  ['a flush from an offset', { type: flush, offset: 1 }, 'EINVAL'],
  ['zeroes that are not fast', { type: zeroes, flags: fastZero, length: 512 }, 'ENOTSUP', { zeroesFast: false }],
  ['a write to what is read-only', { type: write, payload: Buffer.alloc(9) }, 'EPERM', { readOnly: true }],
  ['a trim of what is read-only', { type: trim, length: 1 }, 'EPERM', { readOnly: true }],
  ['zeroes in what is read-only', { type: zeroes, flags: fua, length: 1 }, 'EPERM', { readOnly: true }],
  ['a flush of what is read-only', { type: flush }, 'EINVAL', { readOnly: true }],
  ['FUA where it was not offered', { type: read, flags: fua, length: 1 }, 'EINVAL', { readOnly: true }],
];

describe('a request is refused before any work:', () => {
  for (const [what, request, error, options] of refused) {
    test(`${what}: ${error}`, async () => {
      await using nbd = await startNbd(options);
      for (const structured of [true, false]) {
        using client = await NbdClient.using(nbd, ticket, { structured });
        client.request({ ...request, cookie: 0xfedc_ba98_7654_3210n });
        const answer = await client.answer();
        assert.equal(answer.error, errorNumber[error]);
        assert.equal(answer.cookie, 0xfedc_ba98_7654_3210n);
        assert.equal(answer.chunk !== undefined, structured);
        client.request({ type: cache, length: 1 });
        assert.equal((await client.answer()).error, 0, 'the connection goes on');
      }
      const work = nbd.disk.calls.filter(({ what: called }) => called !== 'extents' && called !== 'readAt');
      assert.deepEqual(work, []);
    });
  }

  test('requests longer than the largest', async () => {
    await using nbd = await startNbd({ device: new MemoryDisk(34 * MiB) });
    const length = 32 * MiB + 1;
    using structured = await NbdClient.using(nbd, ticket);
    using simple = await NbdClient.using(nbd, ticket, { structured: false });
    const errorOf = async (client: NbdClient, request: RawRequest): Promise<number> => {
      client.request(request);
      return (await client.answer()).error;
    };
    assert.equal(await errorOf(structured, { type: read, length }), errorNumber.EOVERFLOW);
    assert.equal(await errorOf(structured, { type: cache, length }), errorNumber.EOVERFLOW);
    assert.equal(await errorOf(simple, { type: read, length }), errorNumber.EINVAL);
    assert.equal(await errorOf(simple, { type: write, payload: Buffer.alloc(length) }), errorNumber.EINVAL);
    assert.equal(await errorOf(simple, { type: trim, length }), 0);
    assert.ok(nbd.disk.calls.every(({ what }) => what === 'zeroAt'));
    const most = await structured.readAt(1, 32 * MiB);
    assert.ok(most instanceof Buffer && most.equals(Buffer.alloc(32 * MiB)));
  });

  test('a write that no client sends ends the connection', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: write, length: 0xffff_ffff });
    await client.closed();
  });

  test('a request without its magic ends the connection', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket);
    client.send(Buffer.alloc(28, 0x25));
    await client.closed();
    await until(() => nbd.uses.disposed === 1);
  });

  test('block status where it was not agreed on', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket, { structured: false });
    client.request({ type: status, length: 512 });
    assert.equal((await client.answer()).error, errorNumber.EINVAL);
  });
});

describe('reads', () => {
  const content = noise(MiB, 1);

  test('come in pieces: data, and holes as such', async () => {
    await using nbd = await startNbd();
    await nbd.disk.writeAt(content.subarray(0, 70_000), 100_000);
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: read, offset: 512, length: 900_000 });
    const types: number[] = [];
    for (;;) {
      const { chunk } = await client.answer();
      types.push(chunk?.type ?? -1);
      if (((chunk?.flags ?? 1) & 1) !== 0) break;
    }
    assert.deepEqual(types, [2, 1, 2]);
    const bytes = await client.readAt(512, 900_000);
    assert.ok(bytes instanceof Buffer && bytes.equals(nbd.disk.bytes.subarray(512, 900_512)));
  });

  test('are in one piece when they are to be', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: read, flags: df, length: MiB });
    const { chunk } = await client.answer();
    assert.deepEqual([chunk?.flags, chunk?.type, chunk?.data.length], [1, 1, MiB + 8]);
  });

  test('that fail are errors, with their place, after what was right', async () => {
    const before = ({ what, offset }: DiskCall): void => {
      if (what === 'readAt' && offset >= 4 * MiB) throw new Error('rot');
    };
    await using nbd = await startNbd({ device: MemoryDisk.of(Buffer.alloc(10 * MiB, 7), { before }) });
    using client = await NbdClient.using(nbd, ticket);
    assert.deepEqual(await client.readAt(0, 9 * MiB), { error: errorNumber.EIO, offset: 4 * MiB });
    assert.deepEqual(await client.readAt(5 * MiB, 512), { error: errorNumber.EIO, offset: 5 * MiB });
    assert.ok((await client.readAt(0, 4 * MiB)) instanceof Buffer);
    using simple = await NbdClient.using(nbd, ticket, { structured: false });
    simple.request({ type: read, offset: 5 * MiB, length: 4096, cookie: 7n });
    assert.deepEqual(await simple.answer(), { error: errorNumber.EIO, cookie: 7n });
    simple.request({ type: read, offset: 0, length: 2 });
    assert.equal((await simple.answer()).error, 0);
    assert.deepEqual(await simple.read(2), Buffer.from([7, 7]));
  });

  test('whose extents fail are errors', async () => {
    const before = ({ what }: DiskCall): void => {
      if (what === 'extents') throw new Error('a manifest that can not be read');
    };
    await using nbd = await startNbd({ device: MemoryDisk.of(content, { before }) });
    using client = await NbdClient.using(nbd, ticket);
    assert.deepEqual(await client.readAt(0, MiB), { error: errorNumber.EIO, offset: 0 });
    for (const type of [status, cache]) {
      client.request({ type, length: MiB });
      assert.equal((await client.answer()).error, errorNumber.EIO);
    }
  });

  test('overtake each other', async () => {
    const gate = Promise.withResolvers<void>();
    const before = ({ offset }: DiskCall): Promise<void> | undefined => (offset === 0 ? gate.promise : undefined);
    await using nbd = await startNbd({ device: MemoryDisk.of(content, { before }) });
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: read, offset: 0, length: 512, cookie: 1n });
    client.request({ type: read, offset: 512, length: 512, cookie: 2n });
    assert.equal((await client.answer()).cookie, 2n);
    gate.resolve();
    assert.equal((await client.answer()).cookie, 1n);
  });
});

describe('changes', () => {
  test('are durable when a flush or FUA was answered, and not told to be before', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket);
    const bytes = noise(5000, 3);
    const ask = async (request: RawRequest): Promise<void> => {
      client.request(request);
      assert.equal((await client.answer()).error, 0);
    };
    await ask({ type: write, offset: 77, payload: bytes });
    assert.ok(nbd.disk.bytes.subarray(77, 5077).equals(bytes));
    assert.ok(!nbd.disk.durableBytes.equals(nbd.disk.bytes));
    await ask({ type: flush });
    assert.ok(nbd.disk.durableBytes.equals(nbd.disk.bytes));
    for (const request of [
      { type: write, flags: fua, payload: bytes },
      { type: trim, flags: fua, length: 512 },
      { type: zeroes, flags: fua | noHole | fastZero, offset: 1024, length: 999 },
    ]) {
      await ask(request);
      assert.ok(nbd.disk.durableBytes.equals(nbd.disk.bytes));
    }
  });

  test('that fail are said to have failed', async () => {
    const codes = ['ENOSPC', 'EDQUOT', 'EIO', undefined];
    const before = ({ what }: DiskCall): void => {
      if (what === 'extents') return;
      throw Object.assign(new Error('no'), { code: codes.shift() });
    };
    await using nbd = await startNbd({ device: new MemoryDisk(MiB, { before }) });
    using client = await NbdClient.using(nbd, ticket);
    const errors: number[] = [];
    for (const type of [write, zeroes, flush, trim]) {
      client.request(type === write ? { type, payload: Buffer.alloc(5) } : { type, length: type === flush ? 0 : 5 });
      errors.push((await client.answer()).error);
    }
    assert.deepEqual(errors, [28, 28, 5, 5]);
  });

  test('of a payload that never comes whole are not made', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: write, length: 1000, payload: Buffer.alloc(999, 1) });
    client.stream.end();
    await client.closed();
    await until(() => nbd.uses.disposed === 1);
    assert.deepEqual(nbd.disk.calls, []);
  });

  test('asked for before a disconnect are made, and the export is disposed after them', async () => {
    const gate = Promise.withResolvers<void>();
    await using nbd = await startNbd({ device: new MemoryDisk(MiB, { before: () => gate.promise }) });
    const client = await NbdClient.using(nbd, ticket);
    client.request({ type: write, payload: Buffer.alloc(1000, 5) });
    client.request({ type: disconnect });
    await until(() => nbd.disk.calls.length === 1);
    client.stream.destroy();
    await client.gone;
    assert.equal(nbd.uses.disposed, 0);
    gate.resolve();
    await until(() => nbd.uses.disposed === 1);
    assert.ok(nbd.disk.bytes.subarray(0, 1000).equals(Buffer.alloc(1000, 5)));
  });
});

describe('block status', () => {
  test('names extents, one if one is asked for, and not too many', async () => {
    const disk = new MemoryDisk(8 * MiB);
    await using nbd = await startNbd({ device: disk });
    using client = await NbdClient.using(nbd, ticket);
    const ask = async (request: Partial<RawRequest>): Promise<number[]> => {
      client.request({ type: status, length: disk.sizeBytes, ...request });
      const data = (await client.answer()).chunk?.data ?? Buffer.alloc(0);
      assert.equal(data.readUInt32BE(0), 1);
      return Array.from({ length: (data.length - 4) / 4 }, (_, index) => data.readUInt32BE(4 + 4 * index));
    };
    await disk.writeAt(Buffer.alloc(1024), 4096);
    await disk.zeroAt(8192, 4096);
    const rest = disk.sizeBytes - 12_288;
    assert.deepEqual(await ask({}), [4096, 3, 1024, 0, 3072, 3, 4096, 2, rest, 3]);
    assert.deepEqual(await ask({ flags: reqOne, offset: 4196, length: 100 }), [100, 0]);
    for (let at = 0; at < disk.sizeBytes; at += 1024) await disk.writeAt(Buffer.alloc(1), at);
    assert.equal((await ask({})).length, 2 * 4096);
  });
});
