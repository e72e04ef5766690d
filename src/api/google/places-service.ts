import { create } from '@bufbuild/protobuf';
import type { Catalog } from '../../disks/catalog.ts';
import type { DiskType } from '../../disks/disk-type.ts';
import type { Zone } from '../../disks/zone.ts';
import {
  DiskTypeAggregatedListSchema,
  DiskTypeListSchema,
  type DiskType as DiskTypeMessage,
  DiskTypeSchema,
  DiskTypes,
  ProjectSchema,
  Projects,
  ZoneListSchema,
  type Zone as ZoneMessage,
  ZoneSchema,
  Zones,
} from '../../gen/google/cloud/compute/v1/zone_service_pb.ts';
import { resourceNumber } from '../../lib/resource-number.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import { resourceNotFound } from './compute-errors.ts';
import { diskTypePath, type Link, regionPath, zonePath } from './links.ts';
import { openProject, type ProjectFunctions } from './projects.ts';

/** Zones and types of disks have no birthday here; clients want one. */
const epoch = new Date(0).toISOString();

/** In GiB, for who asks for a disk of no size. */
const defaultDiskSizeGb = 10n;

/** What there is to make disks in and of: the same in every project, and for everybody who is known here. */
export function placeServices(catalog: Catalog, projects: ProjectFunctions, link: Link): ApiService[] {
  const zoneMessages = (project: string) => catalog.zones.map((zone) => zoneMessage(zone, project, link));
  const typeMessages = (project: string, zoneId: string) =>
    catalog.diskTypes.map((type) => diskTypeMessage(type, project, zoneId, link));
  const checkZone = (project: string, zoneId: string): void => {
    if (!catalog.zones.some(({ id }) => id === zoneId)) throw resourceNotFound(zonePath(project, zoneId));
  };
  return [
    authenticatedService(Zones, {
      async get({ project, zone }) {
        const found = zoneMessages(project).find(({ name }) => name === zone);
        if (found === undefined) throw resourceNotFound(zonePath(project, zone));
        return found;
      },

      async list({ project }) {
        const path = `projects/${project}/zones`;
        return create(ZoneListSchema, {
          kind: 'compute#zoneList',
          id: path,
          items: zoneMessages(project),
          selfLink: link(path),
        });
      },
    }),
    authenticatedService(DiskTypes, {
      async get({ project, zone, diskType }) {
        checkZone(project, zone);
        const found = typeMessages(project, zone).find(({ name }) => name === diskType);
        if (found === undefined) throw resourceNotFound(diskTypePath(project, zone, diskType));
        return found;
      },

      async list({ project, zone }) {
        checkZone(project, zone);
        const path = `projects/${project}/zones/${zone}/diskTypes`;
        return create(DiskTypeListSchema, {
          kind: 'compute#diskTypeList',
          id: path,
          items: typeMessages(project, zone),
          selfLink: link(path),
        });
      },

      async aggregatedList({ project }) {
        const path = `projects/${project}/aggregated/diskTypes`;
        const scopes = catalog.zones.map(({ id }) => [`zones/${id}`, { diskTypes: typeMessages(project, id) }]);
        return create(DiskTypeAggregatedListSchema, {
          kind: 'compute#diskTypeAggregatedList',
          id: path,
          items: Object.fromEntries(scopes),
          selfLink: link(path),
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
