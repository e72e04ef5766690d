import { unauthenticated } from '../errors.ts';
import type { Subject } from './subject.ts';
import { checkToken } from './token.ts';
import type { TokenKey } from './token-key.ts';

export interface AuthenticateDeps {
  readonly tokenKey: TokenKey;
  readonly now?: () => Date;
}

/**
 * Who the `authorization` header says it is. Throws UNAUTHENTICATED, in the words that clients of the public API know:
 * nothing there, not a token of ours, or one that has ended.
 */
export async function authenticate(
  { tokenKey, now = () => new Date() }: AuthenticateDeps,
  authorizationHeader: string | undefined,
): Promise<Subject> {
  const header = authorizationHeader?.trim() ?? '';
  if (header === '') throw unauthenticated('IAM token or API key has to be passed in request');
  // RFC 7235: the scheme is in any case.
  const token = /^bearer +([^ ]+)$/i.exec(header)?.[1];
  const check = token === undefined ? { state: 'invalid' as const } : checkToken(tokenKey, token, now());
  switch (check.state) {
    case 'valid':
      return check.claims.subject;
    case 'expired':
      throw unauthenticated('The token has expired');
    case 'invalid':
      throw unauthenticated('The token is invalid');
  }
}
