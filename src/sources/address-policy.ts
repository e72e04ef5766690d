import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatHostPort } from '../lib/host-port.ts';
import { normalHost, parseAllowList } from './allow-list.ts';
import type { IsOwnAddress } from './own-addresses.ts';
import { familyOf, whyNotPublic } from './special-addresses.ts';

/** An address that a connection may be made to. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a name. Rejects with the errors of `dns.lookup`. */
export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

export interface AddressPolicyOptions {
  /** Entries of `--allow-source`: HOST, HOST:PORT, [IPV6]:PORT or CIDR. */
  readonly allow: readonly string[];
  /** What reaches this process itself: never a source, whatever is allowed. */
  readonly isOwn?: IsOwnAddress | undefined;
  /** How names are resolved; the system's resolver (and its hosts file) unless given. */
  readonly lookup?: Lookup | undefined;
}

/** The policy forbids this connection. The message may hold an inner address: it is for the operator's log. */
export class AddressRefused extends Error {
  readonly host: string;
  readonly port: number;
  /** What is wrong, without the address that a name resolved to. */
  readonly reason: string;
  readonly remedy: string;

  constructor(refusal: { host: string; port: number; address: string; reason: string; remedy?: string }) {
    super(`${formatHostPort(refusal)} (${refusal.address}): ${refusal.reason}`);
    this.name = 'AddressRefused';
    this.host = refusal.host;
    this.port = refusal.port;
    this.reason = refusal.reason;
    this.remedy =
      refusal.remedy ??
      `If it is meant, the service's operator can allow it with --allow-source ${formatHostPort(refusal)}`;
  }
}

/**
 * Which machines a source may be read from.
 *
 * Allowed are public unicast addresses on port 80, 443 or any from 1024 up (below live mail, shells and directories,
 * which have no images to give but can be made to misread a request), and what the operator named. A named host
 * is allowed with whatever address it resolves to, on the named port, or on any when none was named. The service itself
 * is never allowed.
 *
 * A name that has both a good and a forbidden address is refused whole. Connecting to the good one only would be safe,
 * but no honest public name has such a pair; it is how rebinding looks, and refusing makes the answer independent of
 * the order of the records.
 */
export interface AddressPolicy {
  /**
   * The addresses of `host` that a connection to `port` may be made to; at least one.
   *
   * @throws AddressRefused; and the resolver's error when the name does not resolve
   */
  resolve(host: string, port: number): Promise<Address[]>;

  /** @throws AddressRefused when a connection for `host` may not end at `address` and `port` */
  check(host: string, port: number, address: string): void;
}

const WEB_PORTS: ReadonlySet<number> = new Set([80, 443]);
const FIRST_UNPRIVILEGED_PORT = 1024;

/** @throws AllowEntryInvalid when an entry cannot be read */
export function createAddressPolicy(options: AddressPolicyOptions): AddressPolicy {
  const allowed = parseAllowList(options.allow);
  const lookup = options.lookup ?? ((name: string) => systemLookup(name, { all: true, order: 'verbatim' }));

  const check = (host: string, port: number, address: string): void => {
    const name = normalHost(host);
    if (options.isOwn?.(address, port)) {
      const reason = 'It is this service itself.';
      const remedy = 'An image of this service is a source by its id.';
      throw new AddressRefused({ host: name, port, address, reason, remedy });
    }
    if (allowed.allowsHost(name, port) || allowed.allowsAddress(address, port)) return;
    const special = whyNotPublic(address);
    if (special !== undefined) {
      const subject = isIP(name) === 0 ? 'The host has an address that' : 'The address';
      throw new AddressRefused({ host: name, port, address, reason: `${subject} is not public: it is ${special}.` });
    }
    if (!WEB_PORTS.has(port) && port < FIRST_UNPRIVILEGED_PORT) {
      const reason = `Port ${port} is not one that images are read from: 80, 443 and those from 1024 up are.`;
      throw new AddressRefused({ host: name, port, address, reason });
    }
  };

  return {
    check,
    async resolve(host, port) {
      const name = normalHost(host);
      const answers = isIP(name) !== 0 ? [{ address: name }] : await lookup(name);
      if (answers.length === 0) throw new NameWithoutAddress(name);
      return answers.map(({ address }) => {
        check(name, port, address);
        return { address, family: familyOf(address) === 'ipv6' ? 6 : 4 };
      });
    },
  };
}

/** The resolver answered, with no address. */
export class NameWithoutAddress extends Error {
  readonly code = 'ENODATA';

  constructor(name: string) {
    super(`${name} has no address.`);
    this.name = 'NameWithoutAddress';
  }
}
