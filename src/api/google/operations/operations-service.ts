import { create } from '@bufbuild/protobuf';
import { ruleOf } from '../../../access/method-rules.ts';
import type { Catalog } from '../../../disks/catalog.ts';
import { notFound } from '../../../errors.ts';
import type { Warning } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import {
  type OperationAggregatedList,
  OperationAggregatedListSchema,
  type OperationList,
  OperationListSchema,
  type Operation as OperationMessage,
  OperationSchema,
  type OperationsScopedList,
  OperationsScopedListSchema,
} from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import {
  DeleteGlobalOperationResponseSchema,
  DeleteZoneOperationResponseSchema,
  GlobalOperations,
  ZoneOperations,
} from '../../../gen/google/cloud/compute/v1/operation_service_pb.ts';
import type { Operation } from '../../../operations/operation.ts';
import type { ApiService } from '../../api-service.ts';
import type { Call } from '../../call.ts';
import type { FolderOperationFunctions } from '../../folder-functions.ts';
import { authorizeOperation } from '../../yandex/authorize-operation.ts';
import { told } from '../compute-errors.ts';
import { computeService } from '../compute-service.ts';
import { isGranted } from '../is-granted.ts';
import { aggregatedItems } from '../list/aggregated-items.ts';
import { type AskedList, computeList } from '../list/compute-list.ts';
import { type Link, zonePath } from '../naming/links.ts';
import { checkReference } from '../naming/names.ts';
import { findProject, openProject, type Project, type ProjectFunctions } from '../naming/projects.ts';
import { checkZone } from '../places/zones.ts';
import { operationMessage } from './operation-message.ts';
import { operationNumber } from './operation-name.ts';

/** How long a client is kept waiting: less than what a silent connection is cut after. */
const waitMs = 110_000;

export interface ComputeOperationDeps {
  readonly catalog: Pick<Catalog, 'zones'>;
  readonly operations: FolderOperationFunctions;
  readonly projects: ProjectFunctions;
  readonly link: Link;
}

/** What operations are listed on, and what it takes; those on other things are Yandex's alone. */
const listedNouns = [
  ['image', 'compute.images.list'],
  ['snapshot', 'compute.snapshots.list'],
  ['disk', 'compute.disks.list'],
] as const;

function scopeOf(zoneId: string): string {
  return zoneId === '' ? 'global' : `zones/${zoneId}`;
}

/** Of what a list is of, by the row of its method, no more than the caller may list. */
async function nounsFor({ authorize, caller }: Call, { folderId }: Project): Promise<readonly string[]> {
  const rule = ruleOf(caller.method);
  const nouns: string[] = [];
  for (const [noun, permission] of listedNouns) {
    if (typeof rule === 'string' || !rule.includes(permission)) continue;
    if (await isGranted(() => authorize({ folderId }, permission))) nouns.push(noun);
  }
  return nouns;
}

/** An operation as a request names it. */
interface Asked {
  readonly project: string;
  /** Undefined for one that is in no zone. */
  readonly zone?: string;
  readonly operation: string;
}

/** Operations on images, snapshots and disks, whichever door they were started through. */
export function operationServices({ operations, projects, catalog, link }: ComputeOperationDeps): ApiService[] {
  const open = async ({ project: name, zone = '', operation: text }: Asked, call: Call, verb: 'get' | 'update') => {
    checkReference('operation', text);
    const project = await findProject(projects, name, call);
    const { folderId } = project;
    const number = operationNumber(text);
    const found = number === undefined ? undefined : await operations.findOperationByNumber({ folderId, number });
    const find = async () => {
      if (found === undefined || found.zoneId !== zone) throw notFound('Operation', text);
      return found;
    };
    const place = zone === '' ? `projects/${name}/global` : zonePath(name, zone);
    const about = { path: `${place}/operations/${text}`, permission: `compute.operations.${verb}` };
    const operation = await told(about, () => authorizeOperation(call.authorize, found?.id ?? text, find, verb));
    return { project, operation, about };
  };

  const get = async (asked: Asked, call: Call): Promise<OperationMessage> => {
    const { project, operation } = await open(asked, call, 'get');
    return operationMessage(operation, project, link);
  };

  const wait = async (asked: Asked, call: Call): Promise<OperationMessage> => {
    const { project, operation } = await open(asked, call, 'get');
    const request = { operationId: operation.id };
    const ended = operation.done
      ? operation
      : await call.aside(() => operations.waitForOperation(request, { signal: call.signal, maxMs: waitMs }));
    return operationMessage(ended, project, link);
  };

  /** A page of the project's operations, newest first whatever is asked for: nobody looks for the oldest. */
  const page = async (
    name: string,
    asked: AskedList,
    { path, zoneId }: { readonly path: string; readonly zoneId?: string },
    call: Call,
  ) => {
    const project = await openProject(projects, name, call);
    const scope = { nouns: await nounsFor(call, project), ...(zoneId === undefined ? {} : { zoneId }) };
    const { items, nextPageToken } = await computeList(asked, {
      path,
      folderId: project.folderId,
      schema: OperationSchema,
      messageOf: (operation: Operation) => operationMessage(operation, project, link),
      async fetch({ folderId, pageSize, pageToken }) {
        const listed = await operations.listOperationsInFolder({ folderId, ...scope, pageSize, pageToken });
        return { items: listed.operations, nextPageToken: listed.nextPageToken };
      },
    });
    const about = { id: path, selfLink: link(path), ...(nextPageToken === '' ? {} : { nextPageToken }) };
    return { items, messages: items.map((operation) => operationMessage(operation, project, link)), about };
  };

  const list = async (name: string, asked: AskedList, zoneId: string, call: Call): Promise<OperationList> => {
    const place = zoneId === '' ? `projects/${name}/global` : zonePath(name, zoneId);
    const { messages, about } = await page(name, asked, { path: `${place}/operations`, zoneId }, call);
    return create(OperationListSchema, { kind: 'compute#operationList', items: messages, ...about });
  };

  const aggregated = async (name: string, asked: AskedList, call: Call): Promise<OperationAggregatedList> => {
    const path = `projects/${name}/aggregated/operations`;
    const { items, messages, about } = await page(name, asked, { path }, call);
    const byScope = Map.groupBy(items.keys(), (index) => scopeOf(items[index]?.zoneId ?? ''));
    const scopes = [...byScope].map(([scope, indices]): [string, OperationsScopedList] => [
      scope,
      create(OperationsScopedListSchema, { operations: indices.flatMap((index) => messages[index] ?? []) }),
    ]);
    const nothing = (warning: Warning) => create(OperationsScopedListSchema, { warning });
    return create(OperationAggregatedListSchema, {
      kind: 'compute#operationAggregatedList',
      items: aggregatedItems(new Map(scopes), 'global', nothing),
      ...about,
    });
  };

  const forget = async (asked: Asked, call: Call): Promise<void> => {
    const { operation, about } = await open(asked, call, 'update');
    await told(about, () => operations.deleteOperation({ operationId: operation.id }));
  };

  return [
    computeService(
      GlobalOperations,
      {
        get,
        wait,
        list: ({ project, ...asked }, call) => list(project, asked, '', call),
        aggregatedList: ({ project, ...asked }, call) => aggregated(project, asked, call),
        async delete(asked, call) {
          await forget(asked, call);
          return create(DeleteGlobalOperationResponseSchema);
        },
      },
      link,
    ),
    computeService(
      ZoneOperations,
      {
        get,
        wait,
        list({ project, zone, ...asked }, call) {
          checkZone(catalog, project, zone);
          return list(project, asked, zone, call);
        },
        async delete(asked, call) {
          await forget(asked, call);
          return create(DeleteZoneOperationResponseSchema);
        },
      },
      link,
    ),
  ];
}
