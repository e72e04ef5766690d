import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AddressRefused, createAddressPolicy } from './address-policy.ts';
import { AllowEntryInvalid } from './allow-list.ts';
import { ownAddresses } from './own-addresses.ts';
import { whyNotPublic } from './special-addresses.ts';

/** A policy whose names resolve as the table says. */
function policyWith(allow: readonly string[], names: Readonly<Record<string, readonly string[]>> = {}) {
  return createAddressPolicy({
    allow,
    lookup: async (name) => (names[name] ?? []).map((address) => ({ address })),
  });
}

test('takes public unicast addresses', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0']) {
    assert.equal(whyNotPublic(address), undefined, address);
  }
  for (const address of ['2606:4700:4700::1111', '2a00:1450:4001::1', '2620:fe::fe', '2001:4860:4860::8888']) {
    assert.equal(whyNotPublic(address), undefined, address);
  }
});

const notPublic: readonly (readonly [address: string, what: RegExp])[] = [
  ['0.0.0.0', /unspecified/],
  ['0.1.2.3', /unspecified/],
  ['10.0.0.1', /private/],
  ['100.64.0.1', /CGNAT/],
  ['100.100.100.200', /CGNAT/],
  ['127.0.0.1', /loop-back/],
  ['127.255.255.254', /loop-back/],
  ['168.63.129.16', /cloud/],
  ['169.254.169.254', /link-local/],
  ['172.16.0.1', /private/],
  ['172.31.255.255', /private/],
  ['192.0.0.192', /protocols/],
  ['192.0.2.1', /documentation/],
  ['192.88.99.1', /6to4/],
  ['192.168.1.1', /private/],
  ['198.18.0.1', /benchmarks/],
  ['198.19.255.255', /benchmarks/],
  ['198.51.100.1', /documentation/],
  ['203.0.113.1', /documentation/],
  ['224.0.0.1', /multicast/],
  ['239.255.255.255', /multicast/],
  ['240.0.0.1', /reserved/],
  ['255.255.255.255', /broadcast/],
  ['::', /unspecified/],
  ['::1', /loop-back/],
  ['::127.0.0.1', /compatible/],
  ['::ffff:127.0.0.1', /mapped/],
  ['::ffff:8.8.8.8', /mapped/],
  ['::ffff:0:127.0.0.1', /translated/],
  ['64:ff9b::7f00:1', /NAT64/],
  ['64:ff9b:1::1', /NAT64/],
  ['100::1', /discard/],
  ['2001::1', /Teredo/],
  ['2001:2::1', /benchmarks/],
  ['2001:10::1', /protocols/],
  ['2001:db8::1', /documentation/],
  ['2002:7f00:1::', /6to4/],
  ['3fff::1', /documentation/],
  ['5f00::1', /segment/],
  ['fc00::1', /ULA/],
  ['fd00:ec2::254', /ULA/],
  ['fe80::1', /link-local/],
  ['fe80::1%eth0', /link-local/],
  ['fec0::1', /site-local/],
  ['ff02::1', /multicast/],
  ['4000::1', /reserved/],
  ['e000::1', /reserved/],
  ['nonsense', /not an IP address/],
];

for (const [address, what] of notPublic) {
  test(`says what ${address} is`, () => assert.match(whyNotPublic(address) ?? 'public', what));
}

test('of IPv6, nothing outside 2000::/3 is public', () => {
  const hextet = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.tuple(hextet, hextet, hextet), ([first, second, last]) => {
      const address = `${first.toString(16)}:${second.toString(16)}::${last.toString(16)}`;
      if (whyNotPublic(address) === undefined) assert.equal(first >> 13, 1, address);
    }),
  );
});

test('of public addresses, allows port 80, 443 and those from 1024 up', () => {
  const policy = policyWith([]);
  for (const port of [80, 443, 1024, 8080, 65535]) policy.check('8.8.8.8', port, '8.8.8.8');
  for (const port of [1, 22, 25, 79, 389, 1023]) {
    assert.throws(() => policy.check('8.8.8.8', port, '8.8.8.8'), /Port \d+ is not one/);
  }
});

test('allows what the operator named, and not its neighbours', () => {
  const rows: readonly (readonly [entry: string, host: string, port: number, address: string, allowed: boolean])[] = [
    ['10.0.0.0/8', '10.9.8.7', 22, '10.9.8.7', true],
    ['10.0.0.0/8', '11.0.0.1', 22, '11.0.0.1', false],
    ['10.0.0.0/8', 'inner.example', 80, '10.0.0.1', true],
    ['10.0.0.5', '10.0.0.5', 9000, '10.0.0.5', true],
    ['10.0.0.5', '10.0.0.6', 9000, '10.0.0.6', false],
    ['10.0.0.5:9000', '10.0.0.5', 9000, '10.0.0.5', true],
    ['10.0.0.5:9000', '10.0.0.5', 9001, '10.0.0.5', false],
    ['::1', '::1', 80, '::1', true],
    ['[::1]', '[::1]', 80, '::1', true],
    ['[::1]:8080', '::1', 8080, '::1', true],
    ['[::1]:8080', '::1', 8081, '::1', false],
    ['fd00::/8', 'fd12::1', 80, 'fd12::1', true],
    ['[fd00::]/8', 'fd12::1', 80, 'fd12::1', true],
    ['fd00::/8', 'fe80::1', 80, 'fe80::1', false],
    ['mirror.internal', 'mirror.internal', 22, '192.168.0.9', true],
    ['Mirror.Internal.', 'mirror.internal', 80, '192.168.0.9', true],
    ['mirror.internal', 'MIRROR.internal.', 80, '192.168.0.9', true],
    ['mirror.internal', 'other.internal', 80, '192.168.0.9', false],
    ['mirror.internal', 'a.mirror.internal', 80, '192.168.0.9', false],
    ['mirror.internal:8080', 'mirror.internal', 8080, '192.168.0.9', true],
    ['mirror.internal:8080', 'mirror.internal', 80, '192.168.0.9', false],
    ['bücher.example', 'xn--bcher-kva.example', 80, '10.0.0.1', true],
  ];
  for (const [entry, host, port, address, allowed] of rows) {
    const check = () => policyWith([entry]).check(host, port, address);
    if (allowed) assert.doesNotThrow(check, `${entry} allows ${host}:${port}`);
    else assert.throws(check, AddressRefused, `${entry} does not allow ${host}:${port}`);
  }
});

test('never allows what reaches the service itself', () => {
  const isOwn = ownAddresses([
    { host: '203.0.113.7', port: 8443 },
    { host: '::', port: 9443 },
  ]);
  const policy = createAddressPolicy({ allow: ['203.0.113.7', '127.0.0.1', 'own.example'], isOwn });
  const itself = /this service itself/;
  assert.throws(() => policy.check('203.0.113.7', 8443, '203.0.113.7'), itself);
  assert.throws(() => policy.check('own.example', 8443, '203.0.113.7'), itself);
  assert.throws(() => policy.check('127.0.0.1', 9443, '127.0.0.1'), itself, 'the machine has it, and :: is all it has');
  policy.check('203.0.113.7', 8080, '203.0.113.7');
  policy.check('127.0.0.1', 8443, '127.0.0.1');
});

test('refuses a list entry that it cannot read, and names it', () => {
  const bad = ['', 'http://host', 'host:0', 'host:65536', 'host:', 'host:x', 'a b', '*.example.com', 'u@host'];
  const badAddresses = ['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'host/8', '/8', '10.0.0.0/', '[::1', '[::1]x', '::1:'];
  const respelled = ['127.1', '0x7f000001', '2130706433', '0177.0.0.1'];
  for (const entry of [...bad, ...badAddresses, ...respelled]) {
    assert.throws(
      () => policyWith([entry]),
      (error) => error instanceof AllowEntryInvalid && error.message.includes(JSON.stringify(entry)),
      entry,
    );
  }
});

test('refuses a name that has both a public and an inner address, in either order', async () => {
  const policy = policyWith([], { both: ['8.8.8.8', '10.0.0.1'], reversed: ['10.0.0.1', '8.8.8.8'] });
  await assert.rejects(policy.resolve('both', 443), AddressRefused);
  await assert.rejects(policy.resolve('reversed', 443), AddressRefused);
});

test('gives every address of a good name', async () => {
  const policy = policyWith([], { good: ['8.8.8.8', '2606:4700::1'] });
  assert.deepEqual(await policy.resolve('good.', 443), [
    { address: '8.8.8.8', family: 4 },
    { address: '2606:4700::1', family: 6 },
  ]);
  await assert.rejects(policy.resolve('nothing', 443), { code: 'ENODATA' });
});

test('tells the person the kind of a hidden address, and only the log the address', async () => {
  const policy = policyWith([], { 'db.internal': ['10.1.2.3'] });
  await assert.rejects(policy.resolve('db.internal', 5432), (error) => {
    assert.ok(error instanceof AddressRefused);
    assert.doesNotMatch(error.reason, /10\.1\.2\.3/);
    assert.match(error.reason, /private/);
    assert.match(error.message, /10\.1\.2\.3/);
    assert.match(error.remedy, /--allow-source db\.internal:5432$/);
    return true;
  });
});
