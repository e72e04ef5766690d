import { BlockList, isIP, isIPv6 } from 'node:net';
import { isHost } from '../lib/host-port.ts';
import { familyOf, withoutZone } from './special-addresses.ts';

/** An entry of the operator's list could not be read. */
export class AllowEntryInvalid extends Error {
  readonly entry: string;

  constructor(entry: string, reason: string) {
    super(`--allow-source ${JSON.stringify(entry)}: ${reason} Entries are HOST, HOST:PORT, [IPV6]:PORT or CIDR.`);
    this.name = 'AllowEntryInvalid';
    this.entry = entry;
  }
}

/** What the operator allows beyond public addresses. */
export interface AllowList {
  /** Whether `host` is allowed by its name on `port`, whatever it resolves to. `host` is as `normalHost` writes it. */
  allowsHost(host: string, port: number): boolean;
  /** Whether an entry covers the address on this port. */
  allowsAddress(address: string, port: number): boolean;
}

interface NameRule {
  readonly name: string;
  readonly port: number | undefined;
}

interface NetworkRule {
  readonly list: BlockList;
  readonly port: number | undefined;
}

/**
 * Reads the entries of `--allow-source`.
 *
 * @throws AllowEntryInvalid for the first entry that is neither a host, a host with a port, nor a CIDR block
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  const names: NameRule[] = [];
  const networks: NetworkRule[] = [];
  for (const entry of entries) {
    const rule = parseEntry(entry);
    if ('name' in rule) names.push(rule);
    else networks.push(rule);
  }
  const fits = (rule: { port: number | undefined }, port: number) => rule.port === undefined || rule.port === port;
  return {
    allowsHost: (host, port) => names.some((rule) => rule.name === host && fits(rule, port)),
    allowsAddress(address, port) {
      const plain = withoutZone(address);
      return networks.some((rule) => fits(rule, port) && rule.list.check(plain, familyOf(plain)));
    },
  };
}

/** A host as this folder compares it: lower case, no brackets, no dot at its end. */
export function normalHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return bare.toLowerCase().replace(/\.$/, '');
}

function parseEntry(entry: string): NameRule | NetworkRule {
  if (entry === '') throw new AllowEntryInvalid(entry, 'It is empty.');
  if (entry.includes('://')) throw new AllowEntryInvalid(entry, 'It is a URL; only its host and port belong here.');
  if (entry.includes('/')) return parseNetwork(entry);
  // A bare IPv6 address has colons of its own: without brackets none of them can begin a port.
  const parts = isIPv6(entry) ? [entry, entry] : /^(\[[^\]]*\]|[^:[\]]+)(?::(.*))?$/s.exec(entry);
  const host = parts?.[1];
  if (host === undefined) throw new AllowEntryInvalid(entry, 'It is not a host; an IPv6 address stands in brackets.');
  const portText = parts?.[2];
  const port = portText === undefined ? undefined : parsePort(entry, portText);
  const address = normalHost(host);
  if (isIP(address) !== 0) {
    const list = new BlockList();
    list.addAddress(address, familyOf(address));
    return { list, port };
  }
  return { name: parseName(entry, host), port };
}

function parseNetwork(entry: string): NetworkRule {
  const [, network = '', prefixText = ''] = /^([^/]*)\/(\d{1,3})$/.exec(entry) ?? [];
  const address = normalHost(network);
  const prefix = Number(prefixText);
  if (isIP(address) === 0 || prefixText === '' || prefix > (isIPv6(address) ? 128 : 32)) {
    throw new AllowEntryInvalid(entry, 'It is not an address block such as 10.0.0.0/8 or fd00::/8.');
  }
  const list = new BlockList();
  list.addSubnet(address, prefix, familyOf(address));
  return { list, port: undefined };
}

function parsePort(entry: string, text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) {
    throw new AllowEntryInvalid(entry, 'Its port is not a number from 1 to 65535.');
  }
  return port;
}

function parseName(entry: string, host: string): string {
  const name = URL.parse(`http://${host}/`)?.hostname ?? '';
  if (name.includes('*')) throw new AllowEntryInvalid(entry, 'Patterns are not read; name each host.');
  if (/[@?#\\\s]/.test(host) || !isHost(name)) throw new AllowEntryInvalid(entry, 'It is not a host name.');
  // 127.1, 0x7f000001 and such: what they mean is to be written out, so that the list says what it allows.
  if (isIP(name) !== 0) throw new AllowEntryInvalid(entry, `It is another spelling of ${name}; write that.`);
  return normalHost(name);
}
