import { formatHostPort, parseHostPort } from '../lib/host-port.ts';

const defaultPort = 443;

/**
 * host:port out of a call's `:authority` or `Host`; without a port it is 443, as clients that leave it out mean.
 * Undefined for anything that is not an address: it is the client's word, and goes back to clients.
 */
export function callAddress(authority: string | undefined): string | undefined {
  if (authority === undefined) return undefined;
  const address = parseHostPort(authority) ?? parseHostPort(`${authority}:${defaultPort}`);
  return address === undefined ? undefined : formatHostPort(address);
}
