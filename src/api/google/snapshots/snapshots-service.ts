import { create } from '@bufbuild/protobuf';
import type { Permission } from '../../../access/permissions.ts';
import { SnapshotListSchema, SnapshotSchema } from '../../../gen/google/cloud/compute/v1/snapshot_pb.ts';
import { Snapshots } from '../../../gen/google/cloud/compute/v1/snapshot_service_pb.ts';
import type { Snapshot } from '../../../snapshots/snapshot.ts';
import type { ApiService } from '../../api-service.ts';
import type { Call } from '../../call.ts';
import type { FolderSnapshotFunctions } from '../../folder-functions.ts';
import type { BindingFunctions } from '../../yandex/access-binding-handlers.ts';
import type { SnapshotFunctions } from '../../yandex/snapshot-service.ts';
import { malformedUrl } from '../compute-errors.ts';
import { computeService } from '../compute-service.ts';
import { findStored, type SourceFunctions } from '../images/find-source.ts';
import { computeList } from '../list/compute-list.ts';
import { type Link, parseReference, snapshotPath } from '../naming/links.ts';
import { findNamed, type Opening } from '../naming/named-resource.ts';
import { checkReference } from '../naming/names.ts';
import { findProject, openProject, type ProjectFunctions } from '../naming/projects.ts';
import { beginOperation } from '../operations/begin-operation.ts';
import { getPolicy, setPolicy, testPermissions } from '../policies/resource-policy.ts';
import { checkFingerprint } from '../resources/label-fingerprint.ts';
import { checkLabels } from '../resources/resource-fields.ts';
import { snapshotMessage } from './snapshot-message.ts';
import { createSnapshotOf } from './snapshot-request.ts';

/** What the service calls, with what it needs already bound; see snapshots/. */
export type ComputeSnapshotFunctions = FolderSnapshotFunctions &
  Pick<SnapshotFunctions, 'createSnapshot' | 'listSnapshots' | 'deleteSnapshot'>;

export interface ComputeSnapshotDeps {
  readonly snapshots: ComputeSnapshotFunctions;
  readonly projects: ProjectFunctions;
  readonly sources: SourceFunctions;
  readonly bindings: BindingFunctions;
  readonly link: Link;
}

/** Snapshots, which are in no zone. */
export function snapshotsService({ snapshots, projects, sources, bindings, link }: ComputeSnapshotDeps): ApiService {
  /** The snapshot that a request names, once the caller may do with it what the method does, or has the permission given. */
  const open = async (
    projectName: string,
    name: string,
    call: Call,
    { field = 'snapshot', permission }: Opening = {},
  ) => {
    checkReference(field, name);
    const project = await findProject(projects, projectName, call);
    const { folderId } = project;
    const path = snapshotPath(projectName, name);
    const find = () => snapshots.findSnapshotInFolder({ folderId, reference: name });
    const snapshot = await findNamed({ noun: 'Snapshot', name, path, find }, call, permission);
    return { project, snapshot, path };
  };

  return computeService(
    Snapshots,
    {
      async get({ project, snapshot }, call) {
        const found = await open(project, snapshot, call);
        return snapshotMessage(found.snapshot, found.project, link);
      },

      async list({ project: projectName, ...asked }, call) {
        const project = await openProject(projects, projectName, call);
        const path = `projects/${projectName}/global/snapshots`;
        const { items, nextPageToken } = await computeList(asked, {
          path,
          folderId: project.folderId,
          schema: SnapshotSchema,
          messageOf: (snapshot: Snapshot) => snapshotMessage(snapshot, project, link),
          async fetch(request) {
            const page = await snapshots.listSnapshots(request);
            return { items: page.snapshots, nextPageToken: page.nextPageToken };
          },
        });
        return create(SnapshotListSchema, {
          kind: 'compute#snapshotList',
          id: path,
          items: items.map((snapshot) => snapshotMessage(snapshot, project, link)),
          ...(nextPageToken === '' ? {} : { nextPageToken }),
          selfLink: link(path),
        });
      },

      async insert({ project: projectName, snapshotResource }, call) {
        const project = await openProject(projects, projectName, call);
        const url = snapshotResource?.sourceDisk ?? '';
        const reference = parseReference(url, projectName);
        if (reference?.kind !== 'disk') throw malformedUrl('resource.sourceDisk', url);
        const { id: diskId } = await findStored(sources, reference, call);
        const request = createSnapshotOf(snapshotResource, { project, diskId, isAskedOfDisk: false });
        const target = { project, path: snapshotPath(projectName, request.name) };
        return await beginOperation(target, call, link, () => snapshots.createSnapshot(request, call.caller));
      },

      async delete({ project, snapshot }, call) {
        const found = await open(project, snapshot, call);
        const request = { snapshotId: found.snapshot.id };
        return await beginOperation(found, call, link, () => snapshots.deleteSnapshot(request, call.caller));
      },

      async setLabels({ project, resource, globalSetLabelsRequestResource }, call) {
        const { labels = {}, labelFingerprint } = globalSetLabelsRequestResource ?? {};
        const change = { labels: checkLabels(labels) };
        const found = await open(project, resource, call, { field: 'resource' });
        const check = (snapshot: Snapshot) => checkFingerprint(labelFingerprint, snapshot.labels);
        const request = { snapshotId: found.snapshot.id, change, check };
        return await beginOperation(found, call, link, () => snapshots.changeSnapshot(request, call.caller));
      },

      async getIamPolicy({ project, resource }, call) {
        return await getPolicy(bindings, (await open(project, resource, call, { field: 'resource' })).snapshot.id);
      },

      async setIamPolicy({ project, resource, globalSetPolicyRequestResource: wanted }, call) {
        const { id } = (await open(project, resource, call, { field: 'resource' })).snapshot;
        return await setPolicy(bindings, { noun: 'Snapshot', id }, wanted, call);
      },

      async testIamPermissions({ project, resource, testPermissionsRequestResource: wanted }, call) {
        const ask = (permission?: Permission) => open(project, resource, call, { field: 'resource', permission });
        await ask();
        return await testPermissions(wanted, call, ask);
      },
    },
    link,
  );
}
