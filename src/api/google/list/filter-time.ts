import { parseTimestamp } from '../../../lib/timestamp.ts';

/**
 * The milliseconds of a time as filters write it: RFC 3339, of which digits below milliseconds are left out, or a date
 * alone, which is where it begins in UTC. Undefined for every other text.
 */
export function readFilterTime(text: string): number | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return parseTimestamp(`${text}T00:00:00Z`)?.getTime();
  return parseTimestamp(text.replace(/(\.\d{3})\d{1,6}(?=[Zz+-])/, '$1'))?.getTime();
}
