import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { seenWith } from '../../access/scope.ts';
import type { Subject } from '../../access/subject.ts';
import type { ServiceAccount } from '../../accounts/service-account.ts';
import { invalidField, notFound } from '../../errors.ts';
import {
  type RevokeAllTokensRequest,
  RevokeAllTokensResponseSchema,
  TokenService,
} from '../../gen/obraz/v1/token_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { unlessMissing } from '../authorized.ts';

/** What the service calls, with what it needs already bound; see accounts/. */
export interface EndingFunctions {
  revokeAllTokens(subject: Subject, caller: { subjectId: string }): Promise<{ madeUntil: Date }>;
  getServiceAccount(request: { serviceAccountId: string }): Promise<ServiceAccount>;
}

export function tokenService(tokens: EndingFunctions): ApiService {
  return authenticatedService(TokenService, {
    async revokeAll({ subject: named }, { authorize, caller }) {
      const subject = subjectOf(named);
      if (subject.kind === 'serviceAccount') await authorizeOnAccount(tokens, authorize, subject.id);
      else await authorizeOnUser(authorize, subject.id, caller.subjectId);
      const { madeUntil } = await tokens.revokeAllTokens(subject, caller);
      return create(RevokeAllTokensResponseSchema, {
        subjectId: subject.id,
        madeUntil: timestampFromDate(madeUntil),
      });
    },
  });
}

function subjectOf(named: RevokeAllTokensRequest['subject']): Subject {
  switch (named.case) {
    case 'serviceAccountId':
      return { id: named.value, kind: 'serviceAccount' };
    case 'userAccountId':
      return { id: named.value, kind: 'userAccount' };
    case undefined:
      throw invalidField('subject', 'exactly one of its fields is required');
  }
}

/** The account itself may, and who may delete it. */
async function authorizeOnAccount(tokens: EndingFunctions, authorize: Authorize, id: string): Promise<void> {
  const noun = 'Service account';
  const found = await unlessMissing(() => tokens.getServiceAccount({ serviceAccountId: id }));
  const own = found === undefined ? {} : { createdBy: id };
  await authorize({ noun, id, folderId: found?.folderId, ...own, seenWith: seenWith[noun] });
  if (found === undefined) throw notFound(noun, id);
}

/** The user himself may, and the administrator: users are in no folder. */
async function authorizeOnUser(authorize: Authorize, id: string, callerId: string): Promise<void> {
  const noun = 'User account';
  const own = { noun, id, folderId: undefined, createdBy: id, seenWith: seenWith['Service account'] } as const;
  if (id !== callerId) await authorize('installation');
  // The audit has the user from this: the whole service is nobody.
  await authorize(own);
}
