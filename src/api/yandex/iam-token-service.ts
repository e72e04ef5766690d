import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { unauthenticated } from '../../errors.ts';
import { CreateIamTokenResponseSchema, IamTokenService } from '../../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';
import { type ApiService, publicService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see access/. */
export interface TokenFunctions {
  issueToken(request: { jwt: string }): Promise<{ iamToken: string; expiresAt: Date }>;
}

export function iamTokenService({ issueToken }: TokenFunctions): ApiService {
  return publicService(IamTokenService, {
    async create({ identity }) {
      // There are service accounts here, and no accounts of a passport that OAuth tokens could stand for.
      if (identity.case !== 'jwt') throw unauthenticated('OAuth token is invalid or expired');
      const { iamToken, expiresAt } = await issueToken({ jwt: identity.value });
      return create(CreateIamTokenResponseSchema, { iamToken, expiresAt: timestampFromDate(expiresAt) });
    },
  });
}
