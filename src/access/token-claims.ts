import type { Subject } from './subject.ts';

/**
 * Our bearer tokens: `t1.<claims>.<signature>`, the shape that clients of the public API expect of an IAM token. Claims
 * are JSON in base64url; the signature is Ed25519 over everything before the second dot, and its 64 bytes are
 * the 86 characters that clients look for. Nothing is looked up to check one.
 *
 *   sub  the subject's id
 *   typ  the subject's kind; a service account where it is not said
 *   kind iam (given for a JWT, expires) or admin (made with the installation, does not)
 *   iat  when it was made, in seconds since 1970
 *   exp  when it ends, likewise; only of kind iam
 */
export type TokenClaims =
  | { readonly kind: 'iam'; readonly subject: Subject; readonly issuedAt: Date; readonly expiresAt: Date }
  | { readonly kind: 'admin'; readonly subject: Subject; readonly issuedAt: Date };
