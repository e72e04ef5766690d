import type { Command } from 'commander';
import { type UserAccount, UserAccountSchema } from '../../gen/yandex/cloud/iam/v1/user_account_pb.ts';
import { UserAccountService } from '../../gen/yandex/cloud/iam/v1/user_account_service_pb.ts';
import { YandexPassportUserAccountService } from '../../gen/yandex/cloud/iam/v1/yandex_passport_user_account_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { type Columns, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

const userColumns: Columns<UserAccount> = [
  ['ID', ({ id }) => id],
  ['LOGIN', ({ userAccount }) => userAccount.value?.login ?? ''],
  ['EMAIL', ({ userAccount }) => userAccount.value?.defaultEmail ?? ''],
];

/** `iam user-account get`: the id of a user, which is what roles are given to. */
export function addUserAccountCommands(iam: Command, toAction: ToAction): void {
  iam
    .command('user-account')
    .description('find the people whom the operator made known')
    .command('get')
    .description('show a user')
    .argument('[login]', 'login of the user')
    .option('--id <id>', 'id of the user')
    .action(
      toAction(async (session, command) => {
        const [login] = command.args;
        const { id: userAccountId } = command.opts<{ id?: string }>();
        if ((login === undefined) === (userAccountId === undefined)) {
          throw new CliFailed('name one user: by the login or by --id.');
        }
        const user =
          userAccountId === undefined
            ? await session.api.call(
                YandexPassportUserAccountService.method.getByLogin,
                { login: login ?? '' },
                session,
              )
            : await session.api.call(UserAccountService.method.get, { userAccountId }, session);
        await showOne(session, UserAccountSchema, user, userColumns);
      }),
    );
}
