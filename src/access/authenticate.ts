import { unauthenticated } from '../errors.ts';
import type { LiveTokens } from './live-tokens.ts';
import type { Subject } from './subject.ts';
import { checkToken } from './token.ts';
import type { TokenKey } from './token-key.ts';

export interface AuthenticateDeps {
  readonly tokenKey: TokenKey;
  readonly liveTokens: Pick<LiveTokens, 'isLive'>;
  readonly now?: () => Date;
}

/**
 * Who the `authorization` header says it is. Throws UNAUTHENTICATED, in the words that clients of the public API know:
 * nothing there, not a token of ours or one that was ended, or one whose time is over.
 */
export async function authenticate(
  { tokenKey, liveTokens, now = () => new Date() }: AuthenticateDeps,
  authorizationHeader: string | undefined,
): Promise<Subject> {
  const header = authorizationHeader?.trim() ?? '';
  if (header === '') throw unauthenticated('IAM token or API key has to be passed in request');
  // RFC 7235: the scheme is in any case.
  const token = /^bearer +([^ ]+)$/i.exec(header)?.[1];
  const check = token === undefined ? { state: 'invalid' as const } : checkToken(tokenKey, token, now());
  if (check.state === 'expired') throw unauthenticated('The token has expired');
  if (check.state === 'invalid' || !(await liveTokens.isLive(check.claims)))
    throw unauthenticated('The token is invalid');
  return check.claims.subject;
}
