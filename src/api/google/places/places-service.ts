import { create } from '@bufbuild/protobuf';
import { type Catalog, getZone } from '../../../disks/catalog.ts';
import type { DiskType } from '../../../disks/disk-type.ts';
import type { Zone } from '../../../disks/zone.ts';
import type { Warning } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import {
  DiskTypeAggregatedListSchema,
  DiskTypeListSchema,
  type DiskType as DiskTypeMessage,
  DiskTypeSchema,
  DiskTypes,
  type DiskTypesScopedList,
  DiskTypesScopedListSchema,
  ProjectSchema,
  Projects,
  ZoneListSchema,
  type Zone as ZoneMessage,
  ZoneSchema,
  Zones,
} from '../../../gen/google/cloud/compute/v1/zone_service_pb.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import { type ApiService, authenticatedService } from '../../api-service.ts';
import { resourceNotFound } from '../compute-errors.ts';
import { aggregatedItems } from '../list/aggregated-items.ts';
import { type AskedList, computeList } from '../list/compute-list.ts';
import { pagesOf } from '../list/pages-of.ts';
import { diskTypePath, type Link, regionPath, zonePath } from '../naming/links.ts';
import { checkProject } from '../naming/names.ts';
import { openProject, type ProjectFunctions } from '../naming/projects.ts';
import { checkZone } from './zones.ts';

/** Zones and types of disks have no birthday here; clients want one. */
const epoch = new Date(0).toISOString();

/** In GiB, for who asks for a disk of no size. */
const defaultDiskSizeGb = 10n;

/** A type of disks, in one of the zones that have it. */
interface TypeInZone {
  /** Of this pair alone. */
  readonly id: string;
  readonly type: DiskType;
  readonly zoneId: string;
}

/** What there is to make disks in and of: the same in every project, and for everybody who is known here. */
export function placeServices(catalog: Catalog, projects: ProjectFunctions, link: Link): ApiService[] {
  const typesIn = (zoneIds: readonly string[]): TypeInZone[] =>
    zoneIds.flatMap((zoneId) => catalog.diskTypes.map((type) => ({ id: `${zoneId}/${type.id}`, type, zoneId })));

  const checkPlace = (project: string, zoneId: string): void => {
    checkProject(project);
    checkZone(catalog, project, zoneId);
  };

  const listTypes = async (project: string, path: string, zoneIds: readonly string[], asked: AskedList) => {
    const messageOf = ({ type, zoneId }: TypeInZone) => diskTypeMessage(type, project, zoneId, link);
    const fetch = pagesOf(typesIn(zoneIds));
    const page = await computeList(asked, { path, folderId: '', schema: DiskTypeSchema, messageOf, fetch });
    return { found: page.items, messageOf, about: aboutList(path, page.nextPageToken, link) };
  };

  return [
    authenticatedService(Zones, {
      async get({ project, zone }) {
        checkPlace(project, zone);
        return zoneMessage(getZone(catalog, { zoneId: zone }), project, link);
      },

      async list({ project, ...asked }) {
        checkProject(project);
        const path = `projects/${project}/zones`;
        const messageOf = (zone: Zone) => zoneMessage(zone, project, link);
        const fetch = pagesOf(catalog.zones);
        const page = await computeList(asked, { path, folderId: '', schema: ZoneSchema, messageOf, fetch });
        const about = aboutList(path, page.nextPageToken, link);
        return create(ZoneListSchema, { kind: 'compute#zoneList', items: page.items.map(messageOf), ...about });
      },
    }),
    authenticatedService(DiskTypes, {
      async get({ project, zone, diskType }) {
        checkPlace(project, zone);
        const found = catalog.diskTypes.find(({ id }) => id === diskType);
        if (found === undefined) throw resourceNotFound(diskTypePath(project, zone, diskType));
        return diskTypeMessage(found, project, zone, link);
      },

      async list({ project, zone, ...asked }) {
        checkPlace(project, zone);
        const path = `${zonePath(project, zone)}/diskTypes`;
        const { found, messageOf, about } = await listTypes(project, path, [zone], asked);
        return create(DiskTypeListSchema, { kind: 'compute#diskTypeList', items: found.map(messageOf), ...about });
      },

      async aggregatedList({ project, ...asked }) {
        checkProject(project);
        const path = `projects/${project}/aggregated/diskTypes`;
        const zoneIds = catalog.zones.map(({ id }) => id);
        const { found, messageOf, about } = await listTypes(project, path, zoneIds, asked);
        const byZone = Map.groupBy(found, ({ zoneId }) => `zones/${zoneId}`);
        const scopes = [...byZone].map(([scope, types]): [string, DiskTypesScopedList] => [
          scope,
          create(DiskTypesScopedListSchema, { diskTypes: types.map(messageOf) }),
        ]);
        const nothing = (warning: Warning) => create(DiskTypesScopedListSchema, { warning });
        return create(DiskTypeAggregatedListSchema, {
          kind: 'compute#diskTypeAggregatedList',
          items: aggregatedItems(new Map(scopes), `zones/${zoneIds[0]}`, nothing),
          ...about,
        });
      },
    }),
    authenticatedService(Projects, {
      async get({ project: name }, call) {
        const { folderId } = await openProject(projects, name, call);
        return create(ProjectSchema, {
          kind: 'compute#project',
          id: BigInt(resourceNumber(folderId)),
          name,
          selfLink: link(`projects/${name}`),
        });
      },
    }),
  ];
}

/** What every list says of itself. */
function aboutList(path: string, nextPageToken: string, link: Link) {
  return { id: path, selfLink: link(path), ...(nextPageToken === '' ? {} : { nextPageToken }) };
}

function zoneMessage({ id, regionId }: Zone, project: string, link: Link): ZoneMessage {
  return create(ZoneSchema, {
    kind: 'compute#zone',
    id: BigInt(resourceNumber(id)),
    creationTimestamp: epoch,
    name: id,
    description: id,
    status: 'UP',
    region: link(regionPath(project, regionId)),
    selfLink: link(zonePath(project, id)),
  });
}

function diskTypeMessage({ id, description }: DiskType, project: string, zoneId: string, link: Link): DiskTypeMessage {
  return create(DiskTypeSchema, {
    kind: 'compute#diskType',
    id: BigInt(resourceNumber(id)),
    creationTimestamp: epoch,
    name: id,
    ...(description === '' ? {} : { description }),
    defaultDiskSizeGb,
    zone: link(zonePath(project, zoneId)),
    selfLink: link(diskTypePath(project, zoneId, id)),
  });
}
