import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import {
  type CreateIamTokenResponse,
  CreateIamTokenResponseSchema,
  IamTokenService,
  RevokeIamTokenResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';
import { showTime } from '../columns.ts';
import { exchangeKey } from '../log-in.ts';
import { type Columns, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';

const tokenColumns: Columns<CreateIamTokenResponse> = [
  ['TOKEN', (token) => token.iamToken],
  ['EXPIRES', (token) => showTime(token.expiresAt)],
];

/** `iam create-token | revoke-token`. */
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
}

/** One of its own where there is a key to get it with; else the one that was given, as yc does. */
async function tokenOf({ credentials, server, flags, signal }: Session): Promise<CreateIamTokenResponse> {
  const { keyPath } = credentials;
  if (keyPath !== undefined && flags.impersonateServiceAccountId === undefined) {
    return await exchangeKey(server, keyPath, signal);
  }
  return create(CreateIamTokenResponseSchema, { iamToken: server.token });
}
