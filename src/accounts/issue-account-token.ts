import { type IssuedToken, type IssueTokenDeps, issueTokenTo } from '../access/issue-token.ts';
import type { Database } from '../db/database.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import { getServiceAccount } from './get-service-account.ts';

export interface IssueAccountTokenDeps extends Pick<IssueTokenDeps, 'tokenKey' | 'now'> {
  readonly db: Database;
  readonly administrator: Administrator;
}

/** A token of a service account for somebody else, who may act as it. Throws NOT_FOUND. */
export async function issueAccountToken(
  deps: IssueAccountTokenDeps,
  { serviceAccountId }: { readonly serviceAccountId: string },
  { subjectId }: { readonly subjectId: string },
): Promise<IssuedToken> {
  assertMayUse(deps.administrator, { serviceAccountId, subjectId });
  const { id } = await getServiceAccount(deps, { serviceAccountId });
  return issueTokenTo(deps, { id, kind: 'serviceAccount' });
}
