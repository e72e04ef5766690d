import { parseByteSize } from './cli/byte-size.ts';
import { type HostPort, isHost, parseHostPort } from './lib/host-port.ts';
import { isQuotaName, maxQuota, type QuotaName, quotaUnit } from './quotas/quota.ts';
import { AllowEntryInvalid, parseAllowList } from './sources/allow-list.ts';

/** How the values of settings are written, by flag and by variable alike. Each is undefined for anything else. */

const hourMs = 3_600_000;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Clients that leave the port out mean 443. A number alone is a port whose host was forgotten. */
export function parseAddress(text: string): HostPort | undefined {
  const address = parseHostPort(text) ?? parseHostPort(`${text}:443`);
  return address === undefined || address.port === 0 || /^\d+$/.test(address.host) ? undefined : address;
}

export function parseFlag(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

export function parseHours(text: string): number | undefined {
  return /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * hourMs) : undefined;
}

export function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text);
}

/** `compute.images.count=100`, `compute.ssdDisks.size=2TB`. */
export function parseQuota(text: string): readonly [QuotaName, number] | undefined {
  const [name = '', value = '', ...rest] = text.split('=');
  if (!isQuotaName(name) || rest.length > 0) return undefined;
  const limit = quotaUnit(name) === 'bytes' ? parseByteSize(value) : parseCount(value);
  return limit === undefined || limit > maxQuota ? undefined : [name, limit];
}

export function parseAuditDays(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined;
}

export function parseAuditRecords(text: string): number | undefined {
  return /^[1-9]\d{3,9}$/.test(text) ? Number(text) : undefined;
}

function parseCount(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export function parseHost(text: string): string | undefined {
  return isHost(text) ? text : undefined;
}

/** An address that paths are put behind: nothing may follow its own path, and it is kept without a slash at the end. */
export function parseBaseUrl(text: string): string | undefined {
  const url = /^https?:\/\/[^?#@\s]+$/i.test(text) ? URL.parse(text) : null;
  return url?.href.replace(/\/+$/, '');
}

export function parseSource(text: string): string | undefined {
  try {
    parseAllowList([text]);
    return text;
  } catch (error) {
    if (error instanceof AllowEntryInvalid) return undefined;
    throw error;
  }
}
