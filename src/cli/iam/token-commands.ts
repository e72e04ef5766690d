import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import {
  type RevokeAllTokensRequest,
  type RevokeAllTokensResponse,
  RevokeAllTokensResponseSchema,
  TokenService,
} from '../../gen/obraz/v1/token_service_pb.ts';
import {
  type CreateIamTokenResponse,
  CreateIamTokenResponseSchema,
  IamTokenService,
  RevokeIamTokenResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { showTime } from '../columns.ts';
import { exchangeKey } from '../log-in.ts';
import { type Columns, showOne } from '../render.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { serviceAccountKind } from './service-account-kind.ts';

const tokenColumns: Columns<CreateIamTokenResponse> = [
  ['TOKEN', (token) => token.iamToken],
  ['EXPIRES', (token) => showTime(token.expiresAt)],
];

const revokedColumns: Columns<RevokeAllTokensResponse> = [
  ['SUBJECT', ({ subjectId }) => subjectId],
  ['MADE UNTIL', ({ madeUntil }) => showTime(madeUntil)],
];

interface SubjectFlags {
  readonly serviceAccountId?: string;
  readonly serviceAccountName?: string;
  readonly userAccountId?: string;
}

/** `iam create-token | revoke-token | revoke-tokens`. */
export function addTokenCommands(iam: Command, toAction: ToAction): void {
  iam
    .command('create-token')
    .description('print a token, for OBRAZ_TOKEN or "Authorization: Bearer"; it lives for 12 hours')
    .action(
      toAction(async (session) => {
        const token = await tokenOf(session);
        if (session.flags.format === undefined) session.terminal.out.write(`${token.iamToken}\n`);
        else await showOne(session, CreateIamTokenResponseSchema, token, tokenColumns);
      }),
    );

  iam
    .command('revoke-token')
    .description('end a token before its time')
    .argument('<token>', 'the token')
    .action(
      toAction(async (session, { args: [iamToken = ''] }) => {
        const revoked = await session.api.call(IamTokenService.method.revoke, { iamToken }, session);
        await showOne(session, RevokeIamTokenResponseSchema, revoked, [['SUBJECT', ({ subjectId }) => subjectId]]);
      }),
    );

  iam
    .command('revoke-tokens')
    .description('end all tokens of somebody, and all JWTs that he signed, that were made until now')
    .option('--service-account-id <id>', 'whose')
    .option('--service-account-name <name>', 'whose, by name')
    .option('--user-account-id <id>', 'whose: a user')
    .action(
      toAction(async (session, command) => {
        const subject = await subjectOf(session, command.opts<SubjectFlags>());
        const revoked = await session.api.call(TokenService.method.revokeAll, { subject }, session);
        await showOne(session, RevokeAllTokensResponseSchema, revoked, revokedColumns);
      }),
    );
}

async function subjectOf(session: Session, flags: SubjectFlags): Promise<RevokeAllTokensRequest['subject']> {
  const { serviceAccountId: id, serviceAccountName: name, userAccountId } = flags;
  if ([id, name, userAccountId].filter((flag) => flag !== undefined).length !== 1) {
    throw new CliFailed('say whose: --service-account-id, --service-account-name or --user-account-id.');
  }
  if (userAccountId !== undefined) return { case: 'userAccountId', value: userAccountId };
  if (id !== undefined) return { case: 'serviceAccountId', value: id };
  const account = await findResource(session, serviceAccountKind, { id, name });
  return { case: 'serviceAccountId', value: account.id };
}

/** One of its own where there is a key to get it with; else the one that was given, as yc does. */
async function tokenOf({ credentials, server, flags, signal }: Session): Promise<CreateIamTokenResponse> {
  const { keyPath } = credentials;
  if (keyPath !== undefined && flags.impersonateServiceAccountId === undefined) {
    return await exchangeKey(server, keyPath, signal);
  }
  return create(CreateIamTokenResponseSchema, { iamToken: server.token });
}
