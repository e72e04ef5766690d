/** Where disks are. Zones are names here: they come from the configuration, and a disk is moved between them by a word. */
export interface Zone {
  readonly id: string;
  readonly regionId: string;
}

/** Those of the public cloud, so that what names them works here unchanged. */
export const defaultZoneIds = ['ru-central1-a', 'ru-central1-b', 'ru-central1-d'] as const;

/** Region and a letter or number, such as ru-central1-a. */
export function isZoneId(text: string): boolean {
  return text.length <= 50 && /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/.test(text);
}

/** The region is what stands before the last hyphen. */
export function describeZone(id: string): Zone {
  return { id, regionId: id.slice(0, id.lastIndexOf('-')) };
}

/** How the ids of a zone's disks and snapshots begin; some people read them. */
const idPrefixes = new Map([
  ['ru-central1-a', 'fhm'],
  ['ru-central1-b', 'epd'],
  ['ru-central1-c', 'ef3'],
  ['ru-central1-d', 'fv4'],
]);

/** Zones that the public cloud does not have share the prefix of its first. */
export function idPrefixOfZone(zoneId: string): string {
  return idPrefixes.get(zoneId) ?? 'fhm';
}
