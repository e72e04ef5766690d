import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { UserAccount } from '../access/users.ts';

/** The users file cannot be used; the message has its path and all that is wrong with it. */
export class UsersFileInvalid extends Error {
  constructor(path: string, problems: readonly string[], options?: ErrorOptions) {
    super(`the users file ${path} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, options);
    this.name = 'UsersFileInvalid';
  }
}

type Fields = Readonly<Record<string, unknown>>;

interface Rule {
  readonly pattern: RegExp;
  readonly remedy: string;
  readonly isRequired: boolean;
}

/** The fields of a user; docs/iam.md describes them to the operator. */
const rules = {
  id: { pattern: /^[a-z][a-z0-9]{0,49}$/, remedy: 'give up to 50 of a-z and 0-9, from a letter', isRequired: true },
  login: { pattern: /^[^\s\p{C}]{1,100}$/u, remedy: 'give up to 100 characters, no spaces', isRequired: true },
  default_email: { pattern: /^[^\s\p{C}]{0,256}$/u, remedy: 'give an address, or leave it out', isRequired: false },
  oauth_token_sha256: {
    pattern: /^[0-9a-f]{64}$/,
    remedy: 'give the SHA-256 of the token, 64 digits of 0-9 and a-f, or leave it out',
    isRequired: false,
  },
} as const satisfies Readonly<Record<string, Rule>>;

const names = Object.keys(rules);
/** No two users may have the same. */
const uniqueFields = ['id', 'login', 'oauth_token_sha256'] as const;

/**
 * Reads the users that the operator made known; none of them may be the administrator. Throws UsersFileInvalid, and says
 * everything that is wrong.
 */
export async function readUsers(path: string, administratorId: string): Promise<UserAccount[]> {
  const users = listOf(path, await parseFile(path));
  const problems = [
    ...users.flatMap(problemsOf),
    ...uniqueFields.flatMap((field) => duplicates(users, field)),
    ...users.flatMap(({ id }, index) => (id === administratorId ? [`users[${index}].id: is the administrator's`] : [])),
  ];
  if (problems.length > 0) throw new UsersFileInvalid(path, problems);
  return users.map((user) => ({
    id: textOf(user, 'id'),
    login: textOf(user, 'login'),
    defaultEmail: textOf(user, 'default_email'),
    oauthTokenSha256: textOf(user, 'oauth_token_sha256') || undefined,
  }));
}

async function parseFile(path: string): Promise<unknown> {
  try {
    // Everything is text in this schema: a hash of digits alone is no number.
    return parse(await readFile(path, 'utf8'), { schema: 'failsafe' });
  } catch (cause) {
    throw new UsersFileInvalid(path, [cause instanceof Error ? cause.message : String(cause)], { cause });
  }
}

function listOf(path: string, value: unknown): readonly Fields[] {
  const users = isFields(value) ? value.users : undefined;
  if (!Array.isArray(users) || !users.every(isFields)) {
    throw new UsersFileInvalid(path, [`give a list of users under "users:", each with ${names.join(', ')}`]);
  }
  return users;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemsOf(user: Fields, index: number): string[] {
  const where = `users[${index}]`;
  const unknown = Object.keys(user).filter((name) => !names.includes(name));
  return [
    ...unknown.map((name) => `${where}.${name}: no such field; there are ${names.join(', ')}`),
    ...Object.entries(rules).flatMap(([name, { pattern, remedy, isRequired }]) => {
      const value = user[name];
      const isGood = value === undefined ? !isRequired : typeof value === 'string' && pattern.test(value);
      return isGood ? [] : [`${where}.${name}: ${remedy}`];
    }),
  ];
}

function duplicates(users: readonly Fields[], field: (typeof uniqueFields)[number]): string[] {
  const values = users.map((user) => user[field]);
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    return [`users[${index}].${field}: users[${first}] has the same`];
  });
}

function textOf(user: Fields, field: keyof typeof rules): string {
  const value = user[field];
  return typeof value === 'string' ? value : '';
}
