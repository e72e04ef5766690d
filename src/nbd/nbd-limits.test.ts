import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DiskCall, MemoryDisk } from '../../test/fixtures/memory-disk.ts';
import { infoData, NbdClient } from '../../test/fixtures/nbd-client.ts';
import { startNbd, ticket, until } from '../../test/fixtures/nbd-server.ts';
import { MemoryBudget } from '../lib/memory-budget.ts';
import { option } from './handshake-numbers.ts';
import { InFlight } from './in-flight.ts';
import { defaultLimits } from './nbd-limits.ts';

const MiB = 2 ** 20;

describe('limits', () => {
  test('a connection has only so many requests under way', async () => {
    const gate = Promise.withResolvers<void>();
    await using nbd = await startNbd({ device: new MemoryDisk(MiB, { before: () => gate.promise }) });
    using client = await NbdClient.using(nbd, ticket);
    for (let cookie = 0n; cookie < 1000n; cookie += 1n) client.request({ type: 0, length: 16, cookie });
    await until(() => nbd.disk.underWay === 16);
    using other = await NbdClient.using(nbd, ticket);
    other.request({ type: 3 });
    await until(() => nbd.disk.underWay === 17);
    gate.resolve();
    const cookies = new Set<bigint>();
    for (let count = 0; count < 1000; count += 1) cookies.add((await client.answer()).cookie);
    assert.equal(cookies.size, 1000);
  });

  test('refused requests count as well: replies that nobody reads are not kept', async () => {
    await using nbd = await startNbd({ limits: { stallMs: 300, requestsPerConnection: 2000 } });
    using client = await NbdClient.using(nbd, ticket);
    client.stream.pause();
    const flood = Buffer.alloc(28 * 20_000);
    for (let at = 0; at < flood.length; at += 28) flood.writeUInt32BE(0x25609513, at);
    const goOn = (failed?: Error | null): void => {
      if (failed == null) client.stream.write(flood, goOn);
    };
    goOn();
    await until(() => nbd.uses.disposed === 1);
  });

  test('a client that does not take its replies is cut, and its reads end', async () => {
    await using nbd = await startNbd({
      device: MemoryDisk.of(Buffer.alloc(16 * MiB, 1)),
      limits: { stallMs: 200, slowestBytesPerSecond: 1000 * MiB },
    });
    using client = await NbdClient.using(nbd, ticket);
    client.stream.pause();
    for (let count = 0; count < 4; count += 1) client.request({ type: 0, length: 16 * MiB });
    await until(() => nbd.uses.disposed === 1);
    assert.match(nbd.logged.join(''), /took nothing for too long/);
  });

  test('so it is over TLS, whichever side ends it', async () => {
    await using nbd = await startNbd({
      device: MemoryDisk.of(Buffer.alloc(16 * MiB, 1)),
      tls: 'required',
      limits: { stallMs: 300, slowestBytesPerSecond: 1000 * MiB },
    });
    for (const isReset of [true, false]) {
      using client = await NbdClient.greeted(nbd);
      await client.option(option.startTls);
      await client.secure(nbd.ca);
      await client.option(option.structuredReply);
      await client.option(option.go, infoData(ticket));
      client.stream.pause();
      for (let count = 0; count < 4; count += 1) client.request({ type: 0, length: 16 * MiB });
      await until(() => nbd.disk.calls.length > 0);
      if (isReset) client.stream.destroy();
      await until(() => nbd.uses.disposed === nbd.uses.found);
      nbd.disk.calls.length = 0;
    }
    assert.equal(nbd.uses.found, 2);
  });

  test('a client that does not send its payload is cut', async () => {
    await using nbd = await startNbd({ limits: { stallMs: 200 } });
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: 1, length: 4096, payload: Buffer.alloc(17) });
    await client.closed();
    assert.deepEqual(nbd.disk.calls, []);
    await until(() => nbd.uses.disposed === 1);
  });

  test('large requests of some keep nobody from small ones', async () => {
    const limits = { sharedBytes: 32 * MiB };
    await using nbd = await startNbd({ device: new MemoryDisk(32 * MiB), limits });
    using hog = await NbdClient.using(nbd, ticket);
    hog.request({ type: 1, length: 32 * MiB, payload: Buffer.alloc(1) });
    using second = await NbdClient.using(nbd, ticket);
    second.request({ type: 0, length: 32 * MiB, cookie: 9n });
    using small = await NbdClient.using(nbd, ticket);
    assert.ok((await small.readAt(0, 128 * 1024)) instanceof Buffer);
    hog.stream.destroy();
    assert.equal((await second.answer()).cookie, 9n);
  });

  test('what is under way is counted right, whatever it borrowed', async () => {
    const common = new MemoryBudget(64 * MiB);
    const inFlight = new InFlight(defaultLimits, common);
    const { signal } = new AbortController();
    const small = inFlight.tryTake(256 * 1024);
    assert.ok(small);
    assert.equal(inFlight.tryTake(1), undefined);
    const borrowed = await inFlight.take(31 * MiB, signal);
    assert.equal(common.freeBytes, 33 * MiB);
    const waiting = inFlight.take(MiB, signal);
    inFlight.giveBack(small);
    inFlight.giveBack(await waiting);
    inFlight.giveBack(borrowed);
    assert.equal(common.freeBytes, 64 * MiB);
    await inFlight.none();
  });
});

describe('the end', () => {
  test('of a client in the middle of a reply is the end of its reads, and of nothing else', async () => {
    await using nbd = await startNbd({ device: MemoryDisk.of(Buffer.alloc(32 * MiB, 1)) });
    using other = await NbdClient.using(nbd, ticket);
    for (const length of [4096, MiB, 32 * MiB]) {
      const client = await NbdClient.using(nbd, ticket);
      for (let count = 0; count < 20; count += 1) client.request({ type: 0, length });
      await client.read(100);
      client.stream.resetAndDestroy();
      assert.ok((await other.readAt(0, 4096)) instanceof Buffer);
    }
    await until(() => nbd.uses.disposed === 3);
    assert.equal(nbd.disk.underWay, 0);
  });

  test('answers what is under way, takes nothing more, and disposes', async () => {
    const gate = Promise.withResolvers<void>();
    const nbd = await startNbd({ device: new MemoryDisk(MiB, { before: () => gate.promise }) });
    using idle = await NbdClient.connect(nbd);
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: 1, payload: Buffer.alloc(10, 1), cookie: 5n });
    await until(() => nbd.disk.underWay === 1);
    const closed = nbd.server.close();
    client.request({ type: 3 });
    await idle.gone;
    await assert.rejects(NbdClient.connect(nbd));
    gate.resolve();
    assert.deepEqual(await client.answer(), { error: 0, cookie: 5n });
    await client.closed();
    await closed;
    assert.deepEqual(nbd.uses, { found: 1, disposed: 1 });
    await nbd.server.close();
  });

  test('leaves requests that are here and were not begun', async () => {
    const gate = Promise.withResolvers<void>();
    const device = new MemoryDisk(MiB, { before: () => gate.promise });
    const nbd = await startNbd({ device, limits: { requestsPerConnection: 2 } });
    using client = await NbdClient.using(nbd, ticket);
    for (let cookie = 0n; cookie < 100n; cookie += 1n) client.request({ type: 1, payload: Buffer.alloc(1), cookie });
    await until(() => nbd.disk.underWay === 2);
    const closed = nbd.server.close();
    gate.resolve();
    await client.gone;
    await closed;
    assert.ok(nbd.disk.calls.length <= 3);
  });

  test('cuts who is left after a time', async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    const before = (_call: DiskCall): Promise<void> => promise;
    const nbd = await startNbd({ device: new MemoryDisk(MiB, { before }) });
    using client = await NbdClient.using(nbd, ticket);
    client.request({ type: 3 });
    await until(() => nbd.disk.underWay === 1);
    const closed = nbd.server.close({ graceMs: 50 });
    await client.closed();
    reject(new Error('aborted'));
    await closed;
    assert.equal(nbd.uses.disposed, 1);
  });

  test('of one attachment leaves the others', async () => {
    const revoked = new AbortController();
    await using nbd = await startNbd({ revoked: revoked.signal });
    using client = await NbdClient.using(nbd, ticket);
    await client.readAt(0, 512);
    revoked.abort();
    await client.closed();
    await until(() => nbd.uses.disposed === 1);
    assert.equal(nbd.server.counts().clients, 0);
  });
});
