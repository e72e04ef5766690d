import { createHash } from 'node:crypto';

/** A person whom the operator made known; see docs/iam.md for the file. */
export interface UserAccount {
  readonly id: string;
  readonly login: string;
  readonly defaultEmail: string;
  /** Of the OAuth token that the user proves to be themselves with, in hexadecimal digits; undefined without one. */
  readonly oauthTokenSha256: string | undefined;
}

/** The users that there are. They are the operator's to change, also while the service runs. */
export class Users {
  #byId: ReadonlyMap<string, UserAccount> = new Map();
  #byLogin: ReadonlyMap<string, UserAccount> = new Map();
  #byOauthToken: ReadonlyMap<string | undefined, UserAccount> = new Map();

  constructor(users: readonly UserAccount[]) {
    this.replace(users);
  }

  /** From now on there are these. Ids, logins and OAuth tokens are no two users'. */
  replace(users: readonly UserAccount[]): void {
    this.#byId = new Map(users.map((user) => [user.id, user]));
    this.#byLogin = new Map(users.map((user) => [user.login, user]));
    const withToken = users.filter(({ oauthTokenSha256 }) => oauthTokenSha256 !== undefined);
    this.#byOauthToken = new Map(withToken.map((user) => [user.oauthTokenSha256, user]));
  }

  byId(id: string): UserAccount | undefined {
    return this.#byId.get(id);
  }

  byLogin(login: string): UserAccount | undefined {
    return this.#byLogin.get(login);
  }

  /** Only hashes meet here: how long it takes says nothing about a token. */
  byOauthToken(token: string): UserAccount | undefined {
    return this.#byOauthToken.get(createHash('sha256').update(token).digest('hex'));
  }
}
