import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type AuditRecord,
  AuditRecord_KindSchema,
  AuditRecordSchema,
  AuditService,
} from '../../gen/obraz/v1/audit_service_pb.ts';
import { showTime } from '../columns.ts';
import { listAll } from '../find-resources.ts';
import { addClientFlags, readFlag } from '../flags.ts';
import { type Columns, showMany } from '../render.ts';
import type { ToAction } from '../run-command.ts';

const defaultLimit = 100;

interface ListFlags {
  readonly since?: Date;
  readonly until?: Date;
  readonly subject?: string;
  readonly method?: string;
  readonly resource?: string;
  readonly limit: number;
}

/** `audit list`: who did what. */
export function addAuditCommands(program: Command, toAction: ToAction): void {
  const audit = program.command('audit').description('see who changed what, or was refused');
  addClientFlags(audit);
  audit
    .command('list')
    .description(
      'list changes, ends of operations and refusals, newest first; of a folder with --folder-id, of a cloud with --cloud-id',
    )
    .option('--since <time>', 'not older than that: 2h, or a time such as 2026-11-21T12:00:00Z', readTime)
    .option('--until <time>', 'older than that, likewise', readTime)
    .option('--subject <id>', 'by this service account or user')
    .option('--method <name>', 'by this method: yandex.cloud.compute.v1.ImageService/Create')
    .option('--resource <id>', 'done to this')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { since, until, subject = '', method = '', resource = '', limit } = command.opts<ListFlags>();
        const { folderId = '', cloudId = '' } = session.flags;
        const query = {
          ...(since === undefined ? {} : { since: timestampFromDate(since) }),
          ...(until === undefined ? {} : { until: timestampFromDate(until) }),
          ...{ subjectId: subject, method, resourceId: resource, folderId, cloudId },
        };
        const records = await listAll(limit, async (pageSize, pageToken) => {
          const reply = await session.api.call(AuditService.method.list, { ...query, pageSize, pageToken }, session);
          return { items: reply.records, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, AuditRecordSchema, records, columns);
      }),
    );
}

const columns: Columns<AuditRecord> = [
  ['TIME', ({ createdAt }) => showTime(createdAt)],
  ['KIND', ({ kind }) => AuditRecord_KindSchema.value[kind]?.name ?? `${kind}`],
  ['SUBJECT', ({ subjectId }) => subjectId],
  ['METHOD', ({ method }) => method.replace(/^yandex\.cloud\.(.*\.)?/, '')],
  ['RESOURCE', ({ resourceId }) => resourceId],
  ['FOLDER', ({ folderId }) => folderId],
  ['CODE', ({ code }) => code],
  ['FROM', ({ peer }) => peer],
];

/** A time, or how long ago. */
function readTime(text: string): Date {
  if (/^\d{1,9}[smh]$/.test(text)) return new Date(Date.now() - readFlag.time(text));
  const time = new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('Give how long ago, as 30s, 10m or 2h, or a time such as 2026-11-21T12:00:00Z.');
}
