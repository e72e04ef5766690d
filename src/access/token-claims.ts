import type { Subject } from './subject.ts';

/**
 * Our bearer tokens: `t1.<claims>.<signature>`, the shape that clients of the public API expect of an IAM token. Claims
 * are JSON in base64url; the signature is Ed25519 over everything before the second dot, and its 64 bytes are
 * the 86 characters that clients look for. Nothing is looked up to check one; whether it still holds is another
 * question: live-tokens.ts.
 *
 *   sub  the subject's id
 *   typ  the subject's kind; a service account where it is not said
 *   kind iam (given for proof of who one is, expires) or admin (made with the installation, does not)
 *   iat  when it was made, in seconds since 1970
 *   ims  and the milliseconds since then; 0 where it is not said
 *   exp  when it ends, likewise; only of kind iam
 *   key  the authorized key whose JWT it was given for, if it was given for one: it ends with the key
 *   jti  random, so that no two tokens are one
 */
export type TokenClaims =
  | {
      readonly kind: 'iam';
      readonly subject: Subject;
      readonly issuedAt: Date;
      readonly expiresAt: Date;
      readonly keyId: string | undefined;
    }
  | { readonly kind: 'admin'; readonly subject: Subject; readonly issuedAt: Date };

/** A token whose signature was found good. */
export type VerifiedClaims = TokenClaims & {
  /**
   * SHA-256 in hexadecimal digits of what the signature is over. Not of the token: a signature can be written in more
   * than one way in base64url, and whatever way it is, it is the same token.
   */
  readonly tokenId: string;
};
