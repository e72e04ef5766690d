import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { infoData, metaContextData, NbdClient } from '../../test/fixtures/nbd-client.ts';
import { startNbd, ticket, until } from '../../test/fixtures/nbd-server.ts';
import { option, optionError, optionReply } from './handshake-numbers.ts';

/** Sends bytes after the greeting; the server is to close. */
async function closesAfter(bytes: Uint8Array, flags = 3): Promise<void> {
  await using nbd = await startNbd();
  using client = await NbdClient.greeted(nbd, flags);
  client.send(bytes);
  await client.closed();
  assert.equal(nbd.uses.found, nbd.uses.disposed);
}

const optionHeader = (asked: number, length: number): Buffer => {
  const header = Buffer.alloc(16);
  header.write('IHAVEOPT', 'latin1');
  header.writeUInt32BE(asked, 8);
  header.writeUInt32BE(length, 12);
  return header;
};

describe('a handshake', () => {
  test('that is broken ends the connection', async () => {
    await closesAfter(Buffer.from('NOTANOPTION-----'));
    await closesAfter(optionHeader(option.go, 64 * 1024 + 1));
    await closesAfter(optionHeader(99, 0xffff_ffff));
    await closesAfter(Buffer.alloc(0), 1 << 2);
    await closesAfter(optionHeader(option.exportName, 0));
    await closesAfter(Buffer.concat([optionHeader(option.exportName, 6), Buffer.from('nobody')]));
    await closesAfter(Buffer.concat([optionHeader(option.exportName, 2), Buffer.from([0xc3, 0x28])]));
  });

  test('without replies to options allows the choice of an export only', async () => {
    await closesAfter(optionHeader(option.list, 0), 0);
    await using nbd = await startNbd();
    using client = await NbdClient.greeted(nbd, 0);
    client.sendOption(option.exportName, Buffer.from(ticket));
    const facts = await client.read(10 + 124);
    assert.equal(facts.readBigUInt64BE(0), BigInt(nbd.disk.sizeBytes));
    assert.deepEqual(facts.subarray(10), Buffer.alloc(124));
    client.request({ type: 0, length: 4 });
    assert.deepEqual(await client.answer(), { error: 0, cookie: 1n });
    assert.deepEqual(await client.read(4), Buffer.alloc(4));
  });

  test('ends with ABORT, and with a client that leaves at any byte', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.greeted(nbd);
    assert.deepEqual(await client.option(option.abort), [{ type: optionReply.ack, data: Buffer.alloc(0) }]);
    await client.closed();
    const whole = Buffer.concat([
      Buffer.from([0, 0, 0, 3]),
      optionHeader(option.go, infoData(ticket).length),
      infoData(ticket),
    ]);
    for (let length = 0; length < whole.length; length += 3) {
      using half = await NbdClient.connect(nbd);
      half.stream.end(whole.subarray(0, length));
      await half.gone;
    }
    assert.equal(nbd.uses.found, 0);
  });

  test('tells no names, and refuses what is unknown or malformed, and goes on', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.greeted(nbd);
    const go = infoData(ticket);
    const withHugeName = Buffer.from(go);
    withHugeName.writeUInt32BE(0xffff_fffc);
    const manyQueries = Buffer.concat([metaContextData(ticket, []).subarray(0, -4), Buffer.alloc(4, 0xff)]);
    const cases: [asked: number, data: Buffer, answer: number][] = [
      [option.list, Buffer.alloc(0), optionReply.ack],
      [option.list, Buffer.alloc(1), optionError.invalid],
      [99, Buffer.alloc(64 * 1024), optionError.unsupported],
      [option.go, Buffer.alloc(0), optionError.invalid],
      [option.go, go.subarray(0, -1), optionError.invalid],
      [option.go, Buffer.concat([go, Buffer.alloc(1)]), optionError.invalid],
      [option.go, withHugeName, optionError.invalid],
      [option.go, infoData('x'.repeat(4097)), optionError.invalid],
      [option.go, infoData('nul\0'), optionError.invalid],
      [option.go, infoData('nobody'), optionError.unknown],
      [option.info, infoData(''), optionError.unknown],
      [option.structuredReply, Buffer.alloc(1), optionError.invalid],
      [option.setMetaContext, metaContextData(ticket, ['base:allocation']), optionError.invalid],
      [option.structuredReply, Buffer.alloc(0), optionReply.ack],
      [option.setMetaContext, manyQueries, optionError.invalid],
      [option.listMetaContext, Buffer.alloc(3), optionError.invalid],
      [option.startTls, Buffer.alloc(0), optionError.policy],
    ];
    nbd.server.counts();
    for (const [asked, data, answer] of cases) {
      const replies = await client.option(asked, data);
      const about = `option ${asked} with ${data.length} bytes`;
      assert.deepEqual(
        replies.map(({ type }) => type),
        [answer],
        about,
      );
    }
    assert.equal(nbd.uses.found, 0);
    assert.equal((await client.option(option.go, go)).at(-1)?.type, optionReply.ack);
  });

  test('lists and selects the one context', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.greeted(nbd);
    await client.option(option.structuredReply);
    const count = async (asked: number, queries: string[]): Promise<number> =>
      (await client.option(asked, metaContextData(ticket, queries))).length - 1;
    assert.equal(await count(option.listMetaContext, []), 1);
    assert.equal(await count(option.listMetaContext, ['base:']), 1);
    assert.equal(await count(option.listMetaContext, ['qemu:', 'base:other']), 0);
    assert.equal(await count(option.setMetaContext, []), 0);
    assert.equal(await count(option.setMetaContext, ['base:']), 0);
    assert.equal(await count(option.setMetaContext, ['x:y', 'base:allocation', 'base:allocation']), 1);
  });

  test('finds an export once for INFO and GO, and disposes what is not used', async () => {
    await using nbd = await startNbd();
    using client = await NbdClient.greeted(nbd);
    const infos = await client.option(option.info, infoData(ticket, [0, 1, 2, 3, 77]));
    assert.equal(infos.length, 5);
    assert.ok(infos[1]?.data.subarray(2).equals(Buffer.from(ticket)));
    assert.ok(infos[2]?.data.subarray(2).equals(Buffer.from('a disk for tests')));
    assert.deepEqual(
      [2, 6, 10].map((at) => infos[3]?.data.readUInt32BE(at)),
      [1, 4096, 32 * 2 ** 20],
    );
    await client.option(option.go, infoData(ticket));
    assert.deepEqual(nbd.uses, { found: 1, disposed: 0 });
    client.request({ type: 2 });
    await client.closed();
    assert.deepEqual(nbd.uses, { found: 1, disposed: 1 });

    using other = await NbdClient.greeted(nbd);
    await other.option(option.info, infoData(ticket));
    await other.option(option.info, infoData('nobody'));
    assert.deepEqual(nbd.uses, { found: 2, disposed: 2 });
  });

  test('has only so many options', async () => {
    await using nbd = await startNbd({ limits: { options: 4 } });
    using client = await NbdClient.greeted(nbd);
    for (let count = 0; count < 4; count += 1) await client.option(option.list);
    await client.closed();
  });

  test('has only so much time', async () => {
    await using nbd = await startNbd({ limits: { handshakeMs: 100 } });
    for (const greet of [NbdClient.connect, NbdClient.greeted]) {
      using client = await greet(nbd);
      await client.gone;
    }
    await until(() => nbd.server.counts().shakingHands === 0);
  });

  test('of who only waits makes room for another', async () => {
    await using nbd = await startNbd({ limits: { shakingHands: 3 } });
    const idle: NbdClient[] = [];
    for (let count = 0; count < 3; count += 1) idle.push(await NbdClient.connect(nbd));
    using client = await NbdClient.using(nbd, ticket);
    await idle[0]?.gone;
    assert.equal(nbd.server.counts().clients, 1);
    assert.ok((await client.readAt(0, 512)) instanceof Buffer);
    for (const each of idle) each[Symbol.dispose]();
  });

  test('of one client too many is refused', async () => {
    await using nbd = await startNbd({ limits: { clients: 1 } });
    using first = await NbdClient.using(nbd, ticket);
    using second = await NbdClient.greeted(nbd);
    assert.equal((await second.option(option.go, infoData(ticket))).at(-1)?.type, optionError.policy);
    first.request({ type: 2 });
    await first.closed();
    assert.equal((await second.option(option.go, infoData(ticket))).at(-1)?.type, optionReply.ack);
  });

  test('never has its secrets logged', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('the database is away');
    };
    await using nbd = await startNbd({ findExport: failing });
    using client = await NbdClient.greeted(nbd);
    client.sendOption(option.go, infoData(ticket));
    await client.closed();
    assert.match(nbd.logged.join(''), /the database is away/);
    assert.doesNotMatch(nbd.logged.join(''), /a-secret/);
  });
});

describe('TLS', () => {
  test('is required before all else where it is required', async () => {
    await using nbd = await startNbd({ tls: 'required' });
    using client = await NbdClient.greeted(nbd);
    for (const asked of [option.list, option.info, option.go, option.structuredReply, option.setMetaContext, 99]) {
      assert.equal((await client.option(asked, infoData(ticket)))[0]?.type, optionError.tlsRequired);
    }
    client.sendOption(option.exportName, Buffer.from(ticket));
    await client.closed();
    assert.equal(nbd.uses.found, 0);
  });

  test('starts a handshake anew, encrypted', async () => {
    const peers: unknown[] = [];
    const find = async (_name: string, { peer }: { peer: unknown }) => void peers.push(peer);
    await using nbd = await startNbd({
      tls: 'optional',
      findExport: async (name, asked) => find(name, asked).then(() => undefined),
    });
    using client = await NbdClient.greeted(nbd);
    await client.option(option.structuredReply);
    await client.option(option.info, infoData(ticket));
    assert.equal((await client.option(option.startTls))[0]?.type, optionReply.ack);
    await client.secure(nbd.ca);
    assert.equal((await client.option(option.startTls))[0]?.type, optionError.invalid);
    const context = await client.option(option.setMetaContext, metaContextData(ticket, ['base:allocation']));
    assert.equal(context[0]?.type, optionError.invalid, 'structured replies are forgotten');
    await client.option(option.info, infoData(ticket));
    assert.deepEqual(peers, [
      { address: '127.0.0.1', encrypted: false },
      { address: '127.0.0.1', encrypted: true },
    ]);
  });

  test('does not listen to what was said in the clear after STARTTLS (CVE-2021-3716)', async () => {
    await using nbd = await startNbd({ tls: 'required' });
    using client = await NbdClient.greeted(nbd);
    client.send(Buffer.concat([optionHeader(option.startTls, 0), optionHeader(option.structuredReply, 0)]));
    await client.closed();
  });

  test('that fails ends the connection', async () => {
    await using nbd = await startNbd({ tls: 'required' });
    using client = await NbdClient.greeted(nbd);
    await client.option(option.startTls);
    client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await client.gone;
    using silent = await NbdClient.greeted(nbd);
    await silent.option(option.startTls);
    silent.stream.destroy();
  });

  test('is bounded in time with the rest of the handshake', async () => {
    await using nbd = await startNbd({ tls: 'required', limits: { handshakeMs: 200 } });
    using client = await NbdClient.greeted(nbd);
    await client.option(option.startTls);
    await client.gone;
    await until(() => nbd.server.counts().shakingHands === 0);
  });

  test('is not optional where other machines can reach', async () => {
    await using nbd = await startNbd();
    for (const tls of ['none', 'optional'] as const) {
      await assert.rejects(nbd.server.listen({ address: { host: '0.0.0.0', port: 0 }, tls }), RangeError);
    }
  });
});
