import type { Command } from 'commander';
import { AccessBindingAction, AccessBindingSchema } from '../../gen/yandex/cloud/access/access_pb.ts';
import type { DiskService } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import type { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { SnapshotService } from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import type { CloudService } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import type { FolderService } from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { listAll } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { parseKeyValues } from '../key-values.ts';
import { showMany } from '../render.ts';
import type { ResourceReference } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { accessBindingColumns } from './access-binding-columns.ts';
import { addSubjectFlags, parseSubject, type SubjectFlags, subjectOf } from './subject-flags.ts';

/** What roles can be given on: its name, how it is found, and the methods of its service. */
export interface BoundKind {
  readonly noun: string;
  readonly method: (
    | typeof ImageService
    | typeof DiskService
    | typeof SnapshotService
    | typeof FolderService
    | typeof CloudService
  )['method'];
  find(session: Session, reference: ResourceReference): Promise<{ readonly id: string }>;
}

const defaultLimit = 1000;

/** The four verbs of yc on who may do what with a thing. */
export function addAccessBindingCommands(parent: Command, toAction: ToAction, { noun, method, find }: BoundKind): void {
  const add = (verb: string, description: string) =>
    addReference(parent.command(verb).description(`${description} ${noun}`), noun);

  add('list-access-bindings', 'list who has which role on a')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const { id: resourceId } = await find(session, referenceOf(command));
        const bindings = await listAll(limit, async (pageSize, pageToken) => {
          const page = { resourceId, pageSize, pageToken };
          const { accessBindings: items, nextPageToken } = await session.api.call(
            method.listAccessBindings,
            page,
            session,
          );
          return { items, nextPageToken };
        });
        await showMany(session, AccessBindingSchema, bindings, accessBindingColumns);
      }),
    );

  add('set-access-bindings', 'make these, and no others, the roles on a')
    .option('--access-binding <role=ROLE,subject=TYPE:ID>', 'a role and who has it; repeat it', collect, [])
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<{ accessBinding: readonly string[]; async?: boolean }>();
        const accessBindings = flags.accessBinding.map(parseAccessBinding);
        const { id: resourceId } = await find(session, referenceOf(command));
        const request = { resourceId, accessBindings };
        await finishOrShow(session, await session.api.call(method.setAccessBindings, request, session), flags);
      }),
    );

  const addChange = (verb: string, description: string, action: AccessBindingAction) =>
    addSubjectFlags(add(verb, description).requiredOption('--role <role>', 'the role'))
      .option('--async', 'print the operation and do not wait for it')
      .action(
        toAction(async (session, command) => {
          const flags = command.opts<SubjectFlags & { role: string; async?: boolean }>();
          const subject = await subjectOf(session, flags);
          const { id: resourceId } = await find(session, referenceOf(command));
          const accessBindingDeltas = [{ action, accessBinding: { roleId: flags.role, subject } }];
          const request = { resourceId, accessBindingDeltas };
          await finishOrShow(session, await session.api.call(method.updateAccessBindings, request, session), flags);
        }),
      );
  addChange('add-access-binding', 'give somebody a role on a', AccessBindingAction.ADD);
  addChange('remove-access-binding', 'take back a role on a', AccessBindingAction.REMOVE);
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

export function parseAccessBinding(text: string) {
  const { role, subject, ...rest } = parseKeyValues(text) ?? {};
  if (role !== undefined && subject !== undefined && Object.keys(rest).length === 0) {
    return { roleId: role, subject: parseSubject(subject) };
  }
  throw new CliFailed(`"${text}" is no access binding: give role=ROLE,subject=TYPE:ID.`);
}
