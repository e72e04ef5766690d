import { foreignPageToken, invalidField, notFound } from '../errors.ts';
import { cutPage, type Page, pageLimit, readPageToken } from '../lib/page.ts';
import { type DiskType, describeDiskType, usualDiskTypeId } from './disk-type.ts';
import { describeZone, type Zone } from './zone.ts';

/** What disks there can be: the zones and types of the configuration, each in its order there. */
export interface Catalog {
  readonly zones: readonly Zone[];
  readonly diskTypes: readonly DiskType[];
}

/** Neither list is empty, and none names a thing twice. */
export function createCatalog(zoneIds: readonly string[], diskTypeIds: readonly string[]): Catalog {
  return { zones: zoneIds.map(describeZone), diskTypes: diskTypeIds.map((id) => describeDiskType(id, zoneIds)) };
}

/** Throws NOT_FOUND. */
export function getZone({ zones }: Catalog, { zoneId }: { readonly zoneId: string }): Zone {
  const zone = zones.find(({ id }) => id === zoneId);
  if (zone === undefined) throw notFound('Zone', zoneId);
  return zone;
}

/** Throws NOT_FOUND. */
export function getDiskType({ diskTypes }: Catalog, { diskTypeId }: { readonly diskTypeId: string }): DiskType {
  const type = diskTypes.find(({ id }) => id === diskTypeId);
  if (type === undefined) throw notFound('Disk type', diskTypeId);
  return type;
}

export interface CatalogPage {
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** Throws INVALID_ARGUMENT for a page token. */
export function listZones({ zones }: Catalog, page: CatalogPage): Page<Zone> {
  return pageOf('zones', zones, page);
}

/** Throws INVALID_ARGUMENT for a page token. */
export function listDiskTypes({ diskTypes }: Catalog, page: CatalogPage): Page<DiskType> {
  return pageOf('diskTypes', diskTypes, page);
}

/** The type that a Create asks for; '' asks for the usual one. Throws INVALID_ARGUMENT on `type_id`. */
export function chooseDiskType({ diskTypes }: Catalog, typeId: string): string {
  const has = (wanted: string) => diskTypes.some(({ id }) => id === wanted);
  if (typeId === '') return has(usualDiskTypeId) ? usualDiskTypeId : (diskTypes[0]?.id ?? usualDiskTypeId);
  if (!has(typeId)) {
    throw invalidField('type_id', `there is no disk type "${typeId}"; there are ${namesOf(diskTypes)}`);
  }
  return typeId;
}

/** Throws INVALID_ARGUMENT on `field` when there is no such zone. */
export function checkZone({ zones }: Catalog, field: string, zoneId: string): void {
  if (!zones.some(({ id }) => id === zoneId)) {
    throw invalidField(field, `there is no zone "${zoneId}"; there are ${namesOf(zones)}`);
  }
}

function namesOf(items: readonly { readonly id: string }[]): string {
  return items.map(({ id }) => id).join(', ');
}

function pageOf<T extends { readonly id: string }>(
  list: string,
  items: readonly T[],
  { pageSize, pageToken }: CatalogPage,
): Page<T> {
  const after = readPageToken([list], pageToken, foreignPageToken);
  const start = items.findIndex(({ id }) => id === after?.key) + 1;
  // Their ids are longer than those that tokens have a place for: the id is the key.
  return cutPage(items.slice(start), pageLimit(pageSize), [list], ({ id }) => ({ key: id, id: 'x' }));
}
