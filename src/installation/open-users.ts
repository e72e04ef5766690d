import type { Logger } from 'pino';
import { Users } from '../access/users.ts';
import { readUsers } from './users-file.ts';
import { watchFiles } from './watch-files.ts';

/** The users of the operator's file, as it is at any time. Dispose it to stop looking after the file. */
export interface OpenedUsers extends AsyncDisposable {
  readonly users: Users;
}

export interface OpenUsersOptions {
  /** Undefined where there are no users. */
  readonly path: string | undefined;
  readonly administratorId: string;
  readonly log: Logger;
  readonly everyMs?: number;
}

/**
 * Reads the users' file, and again whenever it changes; one that cannot be used then changes nothing and is logged.
 * Throws UsersFileInvalid.
 */
export async function openUsers({ path, administratorId, log, everyMs }: OpenUsersOptions): Promise<OpenedUsers> {
  if (path === undefined) return { users: new Users([]), async [Symbol.asyncDispose]() {} };
  await using opening = new AsyncDisposableStack();
  const users = new Users([]);
  // Watched first: what changes while it is read is read again.
  opening.use(
    await watchFiles({
      paths: [path],
      async onChange() {
        users.replace(await readUsers(path, administratorId));
        log.info({ path }, 'the users were read again');
      },
      onError: (error) => log.error({ err: error, path }, 'the users stay as they were: the new file cannot be used'),
      ...(everyMs === undefined ? {} : { everyMs }),
    }),
  );
  users.replace(await readUsers(path, administratorId));
  const opened = opening.move();
  return { users, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
