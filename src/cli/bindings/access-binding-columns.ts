import type { AccessBinding } from '../../gen/yandex/cloud/access/access_pb.ts';
import type { Columns } from '../render.ts';

export const accessBindingColumns: Columns<AccessBinding> = [
  ['ROLE ID', ({ roleId }) => roleId],
  ['SUBJECT TYPE', ({ subject }) => subject?.type ?? ''],
  ['SUBJECT ID', ({ subject }) => subject?.id ?? ''],
];
