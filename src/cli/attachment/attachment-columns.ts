import { type Attachment, Attachment_Mode } from '../../gen/obraz/v1/attachment_pb.ts';
import { showTime } from '../columns.ts';
import type { Columns } from '../render.ts';

export const attachmentColumns: Columns<Attachment> = [
  ['ID', ({ id }) => id],
  ['OF', ({ resource }) => `${resource.case?.replace('Id', '') ?? ''} ${resource.value ?? ''}`],
  ['MODE', ({ mode }) => (mode === Attachment_Mode.READ_WRITE ? 'read-write' : 'read-only')],
  ['CREATED AT', ({ createdAt }) => showTime(createdAt)],
  ['UNUSED UNTIL', ({ expiresAt }) => (expiresAt === undefined ? '' : showTime(expiresAt))],
];
