import { BlockList, isIP } from 'node:net';

/**
 * Address blocks that are not somebody's public machine, from the IANA special-purpose registries (RFC 6890 and its
 * updates) and the multicast registries, with what each is. The first that matches names the address.
 *
 * Of IPv6 only 2000::/3 is given out as global unicast; everything outside it is refused by the last row, so a block
 * that is reserved tomorrow is refused today.
 */
const SPECIAL_BLOCKS: readonly (readonly [block: string, what: string])[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared by a carrier (CGNAT)'],
  ['127.0.0.0/8', 'loop-back'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved for protocols'],
  ['192.0.2.0/24', 'for documentation'],
  ['192.88.99.0/24', 'a 6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'for benchmarks'],
  ['198.51.100.0/24', 'for documentation'],
  ['203.0.113.0/24', 'for documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],
  // Not special to IANA: the address under which every Azure machine reaches its host's control service.
  ['168.63.129.16/32', "a cloud platform's own"],

  ['::/128', 'unspecified'],
  ['::1/128', 'loop-back'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['::/96', 'IPv4-compatible'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['100::/64', 'discard-only'],
  ['2001::/32', 'Teredo'],
  ['2001:2::/48', 'for benchmarks'],
  ['2001::/23', 'reserved for protocols'],
  ['2001:db8::/32', 'for documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'for documentation'],
  ['5f00::/16', 'for segment routing'],
  ['fc00::/7', 'private (ULA)'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
  ['::/3', 'reserved'],
  ['4000::/2', 'reserved'],
  ['8000::/1', 'reserved'],
];

const SPECIAL = SPECIAL_BLOCKS.map(([block, what]) => {
  const slash = block.indexOf('/');
  const network = block.slice(0, slash);
  const list = new BlockList();
  list.addSubnet(network, Number(block.slice(slash + 1)), familyOf(network));
  return { family: familyOf(network), list, what };
});

/** What a not public address is ("loop-back"), or undefined when it is a public unicast address. */
export function whyNotPublic(address: string): string | undefined {
  const plain = withoutZone(address);
  if (isIP(plain) === 0) return 'not an IP address';
  const family = familyOf(plain);
  // A list's IPv4 rules also match IPv4-mapped IPv6 addresses; those have a row of their own.
  return SPECIAL.find((row) => row.family === family && row.list.check(plain, family))?.what;
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** `fe80::1%eth0` without its zone: BlockList does not read zones. */
export function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
