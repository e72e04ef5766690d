import type { Command } from 'commander';
import { addAttachmentCommands } from './attachment/attachment-commands.ts';
import { addAuditCommands } from './audit/audit-commands.ts';
import { addDiskCommands } from './disk/disk-commands.ts';
import { addIamCommands } from './iam/iam-commands.ts';
import { addImageCommands } from './image/image-commands.ts';
import type { Inspecting } from './image/inspect.ts';
import { addNodeCommands } from './node/node-commands.ts';
import { addOperationCommands } from './operation/operation-commands.ts';
import { addPlaceCommands } from './place/place-commands.ts';
import { addPoolCommands } from './pool/pool-commands.ts';
import { addQuotaCommands } from './quota/quota-commands.ts';
import { addResourceManagerCommands } from './resource-manager/resource-manager-commands.ts';
import type { ToAction } from './run-command.ts';
import { addSnapshotCommands } from './snapshot/snapshot-commands.ts';
import { addBackupCommands, type BackupsHere } from './store/backup-commands.ts';
import { addStoreCommands, type RebuildHere } from './store/store-commands.ts';
import { addUploadCommands } from './upload/upload-commands.ts';

/** What works on this machine, without a server. */
export interface LocalWork {
  readonly rebuild: RebuildHere;
  readonly backups: BackupsHere;
  readonly inspecting: Inspecting;
}

/** Adds every command that talks to a server, and those beside them that need none; what yc has under `compute` also there. */
export function addClientCommands(
  program: Command,
  toAction: ToAction,
  { rebuild, backups, inspecting }: LocalWork,
): void {
  addComputeCommands(program, toAction, inspecting);
  addOperationCommands(program, toAction);
  addIamCommands(program, toAction);
  addResourceManagerCommands(program, toAction);
  addStoreCommands(program, toAction, rebuild);
  addBackupCommands(program, backups);
  addPoolCommands(program, toAction);
  addNodeCommands(program, toAction);
  addQuotaCommands(program, toAction);
  addAuditCommands(program, toAction);
  addUploadCommands(program, toAction);
  addComputeCommands(program.command('compute', { hidden: true }), toAction, inspecting);
}

function addComputeCommands(parent: Command, toAction: ToAction, inspecting: Inspecting): void {
  addImageCommands(parent, toAction, inspecting);
  addDiskCommands(parent, toAction);
  addSnapshotCommands(parent, toAction);
  addAttachmentCommands(parent, toAction);
  addPlaceCommands(parent, toAction);
}
