import { checkToken, signToken } from '../access/token.ts';
import type { VerifiedClaims } from '../access/token-claims.ts';
import { createTokenKeyPem, readTokenKey, type TokenKey } from '../access/token-key.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { InstallationBroken } from './installation-broken.ts';

/** The key that tokens are signed with, made if the file is not there. Removing it ends every token there is. */
export async function ensureTokenKey(path: string): Promise<TokenKey> {
  const present = await readFileIfThere(path);
  if (present === undefined) {
    const made = createTokenKeyPem();
    await writeFileDurably(path, made, 0o600);
    return readTokenKey(made);
  }
  try {
    return readTokenKey(present);
  } catch (cause) {
    const message = `${path} is not the key that tokens are signed with: remove it to end all tokens and start anew`;
    throw new InstallationBroken(message, { cause });
  }
}

export interface AdminTokenOptions {
  readonly tokenKey: TokenKey;
  readonly administratorId: string;
  /** Whether somebody ended the token. */
  isEnded(claims: VerifiedClaims): Promise<boolean>;
  readonly now: Date;
}

/** Sees to it that the file holds a token of the administrator's that is valid. */
export async function ensureAdminToken(
  path: string,
  { tokenKey, administratorId, isEnded, now }: AdminTokenOptions,
): Promise<void> {
  const present = await readFileIfThere(path);
  const check = checkToken(tokenKey, present?.trim() ?? '', now);
  const isAdmins =
    check.state === 'valid' && check.claims.kind === 'admin' && check.claims.subject.id === administratorId;
  if (isAdmins && !(await isEnded(check.claims))) return;
  const token = signToken(tokenKey, {
    kind: 'admin',
    subject: { id: administratorId, kind: 'serviceAccount' },
    issuedAt: now,
  });
  await writeFileDurably(path, `${token}\n`, 0o600);
}
