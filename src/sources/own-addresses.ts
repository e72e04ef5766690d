import { networkInterfaces } from 'node:os';
import type { HostPort } from '../lib/host-port.ts';
import { normalHost } from './allow-list.ts';
import { withoutZone } from './special-addresses.ts';

/** Whether a connection to this address and port would reach this process itself. */
export type IsOwnAddress = (address: string, port: number) => boolean;

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Knows the addresses that this process listens on; a wildcard stands for all that the machine has at the moment.
 */
export function ownAddresses(listeners: readonly HostPort[]): IsOwnAddress {
  return (address, port) => {
    const plain = withoutZone(address);
    return listeners.some((listener) => {
      if (listener.port !== port) return false;
      const host = normalHost(listener.host);
      return host === plain || (wildcards.has(host) && hasAddress(plain));
    });
  };
}

function hasAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => withoutZone(entry.address) === address),
  );
}
