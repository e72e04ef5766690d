import { unauthenticated } from '../errors.ts';
import type { LiveTokens } from './live-tokens.ts';
import { SelfSignedTokens } from './self-signed-tokens.ts';
import type { Subject } from './subject.ts';
import { checkToken } from './token.ts';
import type { VerifiedClaims } from './token-claims.ts';
import type { TokenKey } from './token-key.ts';

export interface AuthenticateDeps {
  readonly tokenKey: TokenKey;
  readonly liveTokens: Pick<LiveTokens, 'isLive'>;
  readonly selfSigned: Pick<SelfSignedTokens, 'check'>;
  readonly now?: () => Date;
}

const invalid = 'The token is invalid';

/**
 * Who the `authorization` header says it is: by a token of ours, or by a JWT that a service account signed itself. Throws
 * UNAUTHENTICATED, in the words that clients of the public API know: nothing there, not a token of ours or one that was
 * ended, or one whose time is over.
 */
export async function authenticate(deps: AuthenticateDeps, authorizationHeader: string | undefined): Promise<Subject> {
  const header = authorizationHeader?.trim() ?? '';
  if (header === '') throw unauthenticated('IAM token or API key has to be passed in request');
  // RFC 7235: the scheme is in any case.
  const token = /^bearer +([^ ]+)$/i.exec(header)?.[1];
  if (token === undefined) throw unauthenticated(invalid);
  const claims = SelfSignedTokens.isMeant(token) ? await deps.selfSigned.check(token) : checkOurs(deps, token);
  if (!(await deps.liveTokens.isLive(claims))) throw unauthenticated(invalid);
  return claims.subject;
}

function checkOurs({ tokenKey, now = () => new Date() }: AuthenticateDeps, token: string): VerifiedClaims {
  const check = checkToken(tokenKey, token, now());
  if (check.state === 'expired') throw unauthenticated('The token has expired');
  if (check.state === 'invalid') throw unauthenticated(invalid);
  return check.claims;
}
