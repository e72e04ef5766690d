const units = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 } as const;
const pattern = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|(B))?$/i;

/**
 * Reads a size as yc does: a plain number is in GB; suffixes are powers of 1024 (`10GB`, `512MB`, `1.5T`), and `B`
 * is for bytes. Undefined for anything else, and for what is not a whole number of bytes below 2^53.
 */
export function parseByteSize(text: string): number | undefined {
  const [, digits, prefix, bytes] = pattern.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const unit = bytes === undefined ? `${(prefix ?? 'G').toUpperCase()}B` : 'B';
  const size = Number(digits) * (units[unit as keyof typeof units] ?? Number.NaN); // the pattern allows no other unit
  return Number.isSafeInteger(size) ? size : undefined;
}

/** A size for people: three digits at most and a unit of 1024s. */
export function formatByteSize(sizeBytes: number): string {
  const [name, unit] = Object.entries(units).findLast(([, unit]) => sizeBytes >= unit) ?? ['B', 1];
  const value = sizeBytes / unit;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${name}`;
}
