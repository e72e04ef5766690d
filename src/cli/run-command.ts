import { Command } from 'commander';
import { ApiClient } from './api-client.ts';
import { type ClientEnvironment, findServer } from './find-server.ts';
import { logIn } from './log-in.ts';
import type { ClientFlags, Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** What a command does, given its session and itself: its arguments are in `command.args`. */
export type Work = (session: Session, command: Command) => Promise<void>;

/** Makes commander's action of a command's work. */
export type ToAction = (work: Work) => (...received: unknown[]) => Promise<void>;

/** Actions find the server, work with it, and let go of it. */
export function createToAction(surroundings: {
  readonly environment: ClientEnvironment;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}): ToAction {
  return (work) =>
    async (...received) => {
      const command = received.at(-1); // commander passes the arguments, the flags, and then the command itself
      if (!(command instanceof Command)) throw new TypeError('an action is called by commander');
      const flags = command.optsWithGlobals<ClientFlags>();
      const found = await findServer(flags, surroundings.environment);
      const server = await logIn(found, flags, surroundings.signal);
      using api = new ApiClient(server);
      await work({ ...surroundings, api, server, credentials: found.credentials, flags }, command);
    };
}
