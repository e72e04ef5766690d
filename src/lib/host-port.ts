import { isIP } from 'node:net';

/** Where something listens or is reached. The host is a name or an address without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const namePattern = /^(?=.{1,253}$)[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*\.?$/i;
const bracketedPattern = /^\[([0-9a-f:.]+(?:%[\w.-]+)?)\]:(\d{1,5})$/i;

/** Reads `HOST:PORT`, with an IPv6 address in brackets; undefined for anything else. */
export function parseHostPort(text: string): HostPort | undefined {
  const bracketed = bracketedPattern.exec(text);
  const colon = text.lastIndexOf(':');
  const host = bracketed?.[1] ?? text.slice(0, Math.max(colon, 0));
  const digits = bracketed?.[2] ?? text.slice(colon + 1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port <= 65_535)) return undefined;
  if (bracketed === null ? !namePattern.test(host) : isIP(host) !== 6) return undefined;
  return { host, port };
}

/** The form that `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether the text is a host: a name, or an address without brackets. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || namePattern.test(text);
}

/** Whether the host stands for every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Whether the host can be reached from this machine only. Names other than `localhost` are taken for remote ones. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Where clients on this machine reach what listens there. */
export function reachable({ host, port }: HostPort): HostPort {
  return { host: isWildcard(host) ? 'localhost' : host, port };
}
