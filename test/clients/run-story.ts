import { join } from 'node:path';
import { capture } from '../fixtures/capture.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type Obraz, type StartOptions, startObraz } from '../fixtures/obraz.ts';
import { stepNames } from './steps.ts';

/** A service with what a client's story needs around it: files to import, one of which takes for ever. */
export interface Stage extends AsyncDisposable {
  readonly obraz: Obraz;
  readonly files: FileServer;
  /** The variables that a story reads; which credentials it uses is said by `as`. */
  environment(as: 'token' | 'key'): Readonly<Record<string, string>>;
}

/** The host by name: some gRPC libraries check no certificate against an address. */
export const endpointOf = ({ endpoint }: Obraz) => endpoint.replace('127.0.0.1', 'localhost');

export async function setStage(options?: StartOptions): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const files = opening.use(await startFileServer());
  const slow = opening.use(await startFileServer());
  const obraz = opening.use(await startObraz(options));
  slow.limit(1024);
  const sources = {
    STORY_SOURCE: files.put('disk.qcow2', smallDisk(31).qcow2),
    STORY_SLOW_SOURCE: slow.put('slow.raw', noise(16 << 20, 32)),
    STORY_MISSING_SOURCE: `${files.origin}/missing`,
  };
  const owned = opening.move();
  return {
    obraz,
    files,
    environment: (as) => ({
      ...sources,
      STORY_ENDPOINT: endpointOf(obraz),
      STORY_FOLDER: obraz.folderId,
      STORY_CA: join(obraz.dataDirectory, 'tls', 'ca.pem'),
      ...(as === 'token'
        ? { STORY_TOKEN: obraz.token }
        : { STORY_KEY_FILE: join(obraz.dataDirectory, 'credentials', 'admin-key.json') }),
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs a story to its end and returns the names of the steps it did; throws with all it said when it failed. */
export async function runStory(command: readonly string[], environment: Readonly<Record<string, string>>) {
  const said = await capture(command, { environment });
  return [...said.matchAll(/^did: (\S+)$/gm)].map(([, step]) => step ?? '');
}

/** The steps by the order of the table, so that stories may have their own. */
export function inOrder(done: readonly string[]): readonly string[] {
  const unknown = done.filter((step) => !stepNames.some((name) => name === step));
  return [...stepNames.filter((name) => done.includes(name)), ...unknown];
}
