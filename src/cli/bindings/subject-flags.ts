import type { Command } from 'commander';
import { YandexPassportUserAccountService } from '../../gen/yandex/cloud/iam/v1/yandex_passport_user_account_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { findFolderId } from '../find-resources.ts';
import { serviceAccountKind } from '../iam/service-account-kind.ts';
import { onlyOneOf } from '../only-one-of.ts';
import { resourceByName } from '../resource-kind.ts';
import type { Session } from '../session.ts';

/** Whom a role is given to, as requests have it. */
export interface SubjectReference {
  readonly type: string;
  readonly id: string;
}

/** yc's ways to say whom. */
export interface SubjectFlags {
  readonly subject?: string;
  readonly serviceAccountId?: string;
  readonly serviceAccountName?: string;
  readonly userAccountId?: string;
  readonly userYandexLogin?: string;
  readonly allAuthenticatedUsers?: boolean;
}

const flagNames = {
  subject: '--subject',
  serviceAccountId: '--service-account-id',
  serviceAccountName: '--service-account-name',
  userAccountId: '--user-account-id',
  userYandexLogin: '--user-yandex-login',
  allAuthenticatedUsers: '--all-authenticated-users',
};

export function addSubjectFlags(command: Command): Command {
  return command
    .option('--subject <type:id>', 'serviceAccount:ID, userAccount:ID, system:allAuthenticatedUsers or system:allUsers')
    .option('--service-account-id <id>', 'a service account')
    .option('--service-account-name <name>', 'a service account of the folder, by name')
    .option('--user-account-id <id>', 'a user')
    .option('--user-yandex-login <login>', 'a user, by login')
    .option('--all-authenticated-users', 'everybody who has a token');
}

/** The one subject that the flags name. */
export async function subjectOf(session: Session, flags: SubjectFlags): Promise<SubjectReference> {
  const { subject, serviceAccountId, serviceAccountName, userAccountId, userYandexLogin } = flags;
  if (onlyOneOf(flags, flagNames) === undefined) {
    throw new CliFailed(`say whom: ${Object.values(flagNames).join(', ')}.`);
  }
  if (subject !== undefined) return parseSubject(subject);
  if (serviceAccountId !== undefined) return { type: 'serviceAccount', id: serviceAccountId };
  if (serviceAccountName !== undefined) {
    const folderId = await findFolderId(session);
    const { id } = await resourceByName(session, serviceAccountKind, serviceAccountName, folderId);
    return { type: 'serviceAccount', id };
  }
  if (userAccountId !== undefined) return { type: 'userAccount', id: userAccountId };
  if (userYandexLogin !== undefined) {
    const { getByLogin } = YandexPassportUserAccountService.method;
    const { id } = await session.api.call(getByLogin, { login: userYandexLogin }, session);
    return { type: 'userAccount', id };
  }
  return { type: 'system', id: 'allAuthenticatedUsers' };
}

/** TYPE:ID; the server knows the types. */
export function parseSubject(text: string): SubjectReference {
  const [, type, id] = /^([^:]+):(.+)$/.exec(text) ?? [];
  if (type === undefined || id === undefined) throw new CliFailed(`"${text}" is no subject: give TYPE:ID.`);
  return { type, id };
}
