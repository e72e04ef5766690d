import { create } from '@bufbuild/protobuf';
import type { Permission } from '../../../access/permissions.ts';
import type { Catalog } from '../../../disks/catalog.ts';
import type { DiskChange } from '../../../disks/change-disk.ts';
import type { Disk } from '../../../disks/disk.ts';
import type { Warning } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import {
  DiskAggregatedListSchema,
  DiskListSchema,
  DiskSchema,
  type DisksScopedList,
  DisksScopedListSchema,
} from '../../../gen/google/cloud/compute/v1/disk_pb.ts';
import { Disks } from '../../../gen/google/cloud/compute/v1/disk_service_pb.ts';
import type { Operation as OperationMessage } from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import type { ApiService } from '../../api-service.ts';
import type { Call } from '../../call.ts';
import type { FolderDiskFunctions } from '../../folder-functions.ts';
import type { BindingFunctions } from '../../yandex/access-binding-handlers.ts';
import type { DiskFunctions } from '../../yandex/disk-service.ts';
import type { SnapshotFunctions } from '../../yandex/snapshot-service.ts';
import { invalidValue } from '../compute-errors.ts';
import { computeService } from '../compute-service.ts';
import { findStored, type SourceFunctions } from '../images/find-source.ts';
import { aggregatedItems } from '../list/aggregated-items.ts';
import { type AskedList, computeList } from '../list/compute-list.ts';
import { diskPath, type Link, snapshotPath, zonePath } from '../naming/links.ts';
import { findNamed, type Opening } from '../naming/named-resource.ts';
import { checkReference } from '../naming/names.ts';
import { findProject, openProject, type Project, type ProjectFunctions } from '../naming/projects.ts';
import { beginOperation } from '../operations/begin-operation.ts';
import { checkZone } from '../places/zones.ts';
import { getPolicy, setPolicy, testPermissions } from '../policies/resource-policy.ts';
import { checkFingerprint } from '../resources/label-fingerprint.ts';
import { checkLabels, checkSize } from '../resources/resource-fields.ts';
import { createSnapshotOf } from '../snapshots/snapshot-request.ts';
import { diskMessage } from './disk-message.ts';
import { createDiskOf, wantedDiskSource } from './disk-request.ts';

/** What the service calls, with what it needs already bound; see disks/. */
export type ComputeDiskFunctions = FolderDiskFunctions & Pick<DiskFunctions, 'createDisk' | 'listDisks' | 'deleteDisk'>;

export interface ComputeDiskDeps {
  readonly disks: ComputeDiskFunctions;
  readonly snapshots: Pick<SnapshotFunctions, 'createSnapshot'>;
  readonly catalog: Catalog;
  readonly projects: ProjectFunctions;
  readonly sources: SourceFunctions;
  readonly bindings: BindingFunctions;
  readonly link: Link;
}

/** A disk as a request names it. */
interface Asked {
  readonly project: string;
  readonly zone: string;
}

/** Disks, each in its zone. */
export function disksService(deps: ComputeDiskDeps): ApiService {
  const { disks, snapshots, catalog, projects, sources, bindings, link } = deps;

  /** The disk that a request names, once the caller may do with it what the method does, or has the permission given. */
  const open = async (
    { project: projectName, zone }: Asked,
    name: string,
    call: Call,
    { field = 'disk', permission }: Opening = {},
  ) => {
    checkReference(field, name);
    const project = await findProject(projects, projectName, call);
    const { folderId } = project;
    const path = diskPath(projectName, zone, name);
    const find = () => disks.findDiskInZone({ folderId, zoneId: zone, reference: name });
    const disk = await findNamed({ noun: 'Disk', name, path, find }, call, permission);
    return { project, disk, path };
  };

  const change = async (
    opened: { readonly project: Project; readonly disk: Disk; readonly path: string },
    what: DiskChange,
    call: Call,
    check?: (disk: Disk) => void,
  ): Promise<OperationMessage> => {
    const request = { diskId: opened.disk.id, change: what, ...(check === undefined ? {} : { check }) };
    return await beginOperation(opened, call, link, () => disks.changeDisk(request, call.caller));
  };

  const page = async (projectName: string, asked: AskedList, path: string, zone: string | undefined, call: Call) => {
    const project = await openProject(projects, projectName, call);
    const { items, nextPageToken } = await computeList(asked, {
      path,
      folderId: project.folderId,
      schema: DiskSchema,
      messageOf: (disk: Disk) => diskMessage(disk, project, link),
      async fetch(request) {
        const filter = zone === undefined ? '' : `zone_id = "${zone}"`;
        const { disks: listed, nextPageToken: next } = await disks.listDisks({ ...request, filter });
        return { items: listed, nextPageToken: next };
      },
    });
    const about = { id: path, selfLink: link(path), ...(nextPageToken === '' ? {} : { nextPageToken }) };
    return { project, items, about };
  };

  return computeService(
    Disks,
    {
      async get({ disk, ...asked }, call) {
        const found = await open(asked, disk, call);
        return diskMessage(found.disk, found.project, link);
      },

      async list({ project, zone, ...asked }, call) {
        checkZone(catalog, project, zone);
        const found = await page(project, asked, `${zonePath(project, zone)}/disks`, zone, call);
        const items = found.items.map((disk) => diskMessage(disk, found.project, link));
        return create(DiskListSchema, { kind: 'compute#diskList', items, ...found.about });
      },

      async aggregatedList({ project, ...asked }, call) {
        const found = await page(project, asked, `projects/${project}/aggregated/disks`, undefined, call);
        const byZone = Map.groupBy(found.items, ({ zoneId }) => `zones/${zoneId}`);
        const scopes = [...byZone].map(([scope, inZone]): [string, DisksScopedList] => [
          scope,
          create(DisksScopedListSchema, { disks: inZone.map((disk) => diskMessage(disk, found.project, link)) }),
        ]);
        const nothing = (warning: Warning) => create(DisksScopedListSchema, { warning });
        return create(DiskAggregatedListSchema, {
          kind: 'compute#diskAggregatedList',
          items: aggregatedItems(new Map(scopes), `zones/${catalog.zones[0]?.id}`, nothing),
          ...found.about,
        });
      },

      async insert({ project: projectName, zone, diskResource, sourceImage }, call) {
        const project = await openProject(projects, projectName, call);
        checkZone(catalog, projectName, zone);
        if (diskResource === undefined) throw invalidValue('resource', '', 'Required field is missing.');
        // An older way to name the image.
        const disk = sourceImage === undefined ? diskResource : { ...diskResource, sourceImage };
        const wanted = wantedDiskSource(disk, projectName);
        const source = wanted === undefined ? undefined : await findStored(sources, wanted.reference, call);
        const request = createDiskOf(disk, { project, zoneId: zone, source });
        const target = { project, path: diskPath(projectName, zone, request.name) };
        return await beginOperation(target, call, link, () => disks.createDisk(request, call.caller));
      },

      async createSnapshot({ project: projectName, disk: name, snapshotResource, ...asked }, call) {
        const project = await openProject(projects, projectName, call);
        const { disk } = await open({ ...asked, project: projectName }, name, call, {
          permission: 'compute.disks.use',
        });
        const request = createSnapshotOf(snapshotResource, { project, diskId: disk.id, isAskedOfDisk: true });
        const target = { project, path: snapshotPath(projectName, request.name) };
        return await beginOperation(target, call, link, () => snapshots.createSnapshot(request, call.caller));
      },

      async delete({ disk, ...asked }, call) {
        const found = await open(asked, disk, call);
        const request = { diskId: found.disk.id };
        return await beginOperation(found, call, link, () => disks.deleteDisk(request, call.caller));
      },

      async resize({ disk, disksResizeRequestResource, ...asked }, call) {
        const found = await open(asked, disk, call);
        const sizeBytes = checkSize('sizeGb', disksResizeRequestResource?.sizeGb);
        if (sizeBytes < found.disk.sizeBytes) {
          const given = String(disksResizeRequestResource?.sizeGb ?? '');
          throw invalidValue('sizeGb', given, 'New disk size must be larger than the present one.');
        }
        return await change(found, { sizeBytes }, call);
      },

      async setLabels({ resource, zoneSetLabelsRequestResource, ...asked }, call) {
        const { labels = {}, labelFingerprint } = zoneSetLabelsRequestResource ?? {};
        const what = { labels: checkLabels(labels) };
        const found = await open(asked, resource, call, { field: 'resource' });
        return await change(found, what, call, (disk) => checkFingerprint(labelFingerprint, disk.labels));
      },

      async update({ disk, diskResource, paths, updateMask, ...asked }, call) {
        const fields = (paths ?? updateMask ?? '').split(',').filter((field) => field !== '');
        const other = fields.find((field) => field !== 'sizeGb' && field !== 'size_gb');
        if (other !== undefined) throw invalidValue('updateMask', other, 'Only sizeGb can be updated so.');
        const sizeBytes = checkSize('resource.sizeGb', diskResource?.sizeGb);
        return await change(await open(asked, disk, call), sizeBytes === 0 ? {} : { sizeBytes }, call);
      },

      async getIamPolicy({ resource, ...asked }, call) {
        return await getPolicy(bindings, (await open(asked, resource, call, { field: 'resource' })).disk.id);
      },

      async setIamPolicy({ resource, zoneSetPolicyRequestResource: wanted, ...asked }, call) {
        const { id } = (await open(asked, resource, call, { field: 'resource' })).disk;
        return await setPolicy(bindings, { noun: 'Disk', id }, wanted, call);
      },

      async testIamPermissions({ resource, testPermissionsRequestResource: wanted, ...asked }, call) {
        const ask = (permission?: Permission) => open(asked, resource, call, { field: 'resource', permission });
        await ask();
        return await testPermissions(wanted, call, ask);
      },
    },
    link,
  );
}
