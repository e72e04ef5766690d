/** A kind of disk that a request may ask for. Kinds are names here: every disk is kept alike. */
export interface DiskType {
  readonly id: string;
  readonly description: string;
  readonly zoneIds: readonly string[];
}

/** Those of the public clouds, and what people know them by; clients of either ask for its own, some without being told to. */
const descriptions = {
  'network-hdd': 'Network storage with HDD backend',
  'network-ssd': 'Network storage with SSD backend',
  'network-ssd-nonreplicated': 'Non-replicated network storage with SSD backend',
  'network-ssd-io-m3': 'Fast network storage with three replicas',
  'pd-standard': 'Standard persistent disk',
  'pd-balanced': 'Balanced persistent disk',
  'pd-ssd': 'SSD persistent disk',
} as const;

export const defaultDiskTypeIds: readonly string[] = Object.keys(descriptions);

/** What a request gets that asks for none, where it is configured. */
export const usualDiskTypeId = 'network-hdd';

export function isDiskTypeId(text: string): boolean {
  return /^[a-z][-a-z0-9]{0,49}$/.test(text);
}

export function describeDiskType(id: string, zoneIds: readonly string[]): DiskType {
  const known: Readonly<Record<string, string>> = descriptions;
  return { id, description: Object.hasOwn(known, id) ? (known[id] ?? '') : '', zoneIds };
}
