import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A started web server for the files of a folder (static-server.ts). */
export interface WebServer extends AsyncDisposable {
  readonly origin: string;
}

export async function startWebServer(folder: string): Promise<WebServer> {
  const script = join(import.meta.dirname, 'static-server.ts');
  const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [origin] = await once(createInterface(child.stdout), 'line');
  return {
    origin: String(origin),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
