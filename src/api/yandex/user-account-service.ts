import { create } from '@bufbuild/protobuf';
import type { UserAccount } from '../../access/users.ts';
import { notFound } from '../../errors.ts';
import {
  type UserAccount as UserAccountMessage,
  UserAccountSchema,
} from '../../gen/yandex/cloud/iam/v1/user_account_pb.ts';
import { UserAccountService } from '../../gen/yandex/cloud/iam/v1/user_account_service_pb.ts';
import { YandexPassportUserAccountService } from '../../gen/yandex/cloud/iam/v1/yandex_passport_user_account_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** The users that the operator made known; see access/users.ts. */
export interface UserFunctions {
  byId(id: string): UserAccount | undefined;
  byLogin(login: string): UserAccount | undefined;
}

/** Everybody who has a token may ask: roles are given to users by their ids, which nobody knows by heart. */
export function userAccountServices(users: UserFunctions): readonly ApiService[] {
  return [
    authenticatedService(UserAccountService, {
      async get({ userAccountId }) {
        const user = users.byId(userAccountId);
        if (user === undefined) throw notFound('User account', userAccountId);
        return userAccountMessage(user);
      },
    }),

    authenticatedService(YandexPassportUserAccountService, {
      async getByLogin({ login }) {
        const user = users.byLogin(login);
        if (user === undefined) throw notFound('User account', login);
        return userAccountMessage(user);
      },
    }),
  ];
}

function userAccountMessage({ id, login, defaultEmail }: UserAccount): UserAccountMessage {
  return create(UserAccountSchema, {
    id,
    userAccount: { case: 'yandexPassportUserAccount', value: { login, defaultEmail } },
  });
}
