import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Caller } from '../../access/caller.ts';
import type { IssuedToken, Proof } from '../../access/issue-token.ts';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import { invalidField } from '../../errors.ts';
import {
  type CreateIamTokenRequest,
  type CreateIamTokenResponse,
  CreateIamTokenResponseSchema,
  IamTokenService,
  RevokeIamTokenResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';
import { type ApiService, partlyPublicService } from '../api-service.ts';
import { authorized } from '../authorized.ts';

/** What the service calls, with what it needs already bound; see access/ and accounts/. */
export interface TokenFunctions {
  issueToken(proof: Proof): Promise<IssuedToken>;
  issueAccountToken(request: { serviceAccountId: string }, caller: Caller): Promise<IssuedToken>;
  revokeToken(request: { iamToken: string }): Promise<{ subjectId: string }>;
  getServiceAccount(request: { serviceAccountId: string }): Promise<ServiceAccount>;
}

export function iamTokenService(tokens: TokenFunctions): ApiService {
  return partlyPublicService(
    IamTokenService,
    {
      async create({ identity }) {
        return issuedMessage(await tokens.issueToken(proofOf(identity)));
      },
    },
    {
      async createForServiceAccount({ serviceAccountId }, { authorize, caller }) {
        const find = () => tokens.getServiceAccount({ serviceAccountId });
        await authorized(authorize, 'Service account', serviceAccountId, find);
        return issuedMessage(await tokens.issueAccountToken({ serviceAccountId }, caller));
      },

      // To have the token is right enough to end it.
      async revoke({ iamToken }) {
        return create(RevokeIamTokenResponseSchema, await tokens.revokeToken({ iamToken }));
      },
    },
  );
}

function proofOf(identity: CreateIamTokenRequest['identity']): Proof {
  switch (identity.case) {
    case 'jwt':
      return { jwt: identity.value };
    case 'yandexPassportOauthToken':
      return { oauthToken: identity.value };
    case undefined:
      throw invalidField('identity', 'exactly one of its fields is required');
  }
}

function issuedMessage({ iamToken, expiresAt }: IssuedToken): CreateIamTokenResponse {
  return create(CreateIamTokenResponseSchema, { iamToken, expiresAt: timestampFromDate(expiresAt) });
}
