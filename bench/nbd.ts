import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { noise } from '../test/fixtures/qemu.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { clientsNote, compare, type Served, servedBy, servedBytes, startQemuNbd } from './nbd-clients.ts';
import { compareImages } from './nbd-images.ts';
import type { Table } from './table.ts';

/** How fast the NBD door is, and images and disks behind it, against qemu-nbd and with the same clients. */
export const nbdBenchmark: Benchmark = {
  name: 'nbd',
  about: 'NBD reads over a unix socket, against qemu-nbd: of a raw file in the page cache, and of images and disks',
  async run(context) {
    return [await compareFiles(context), ...(await compareImages(context))];
  },
};

/** The door alone: what is behind it is a file in both servers. */
async function compareFiles(context: BenchContext): Promise<Table> {
  const file = join(context.workFolder, 'nbd.raw');
  await writeNoise(file);
  const rows = await compare(context, [
    { name: 'qemu-nbd', start: () => startQemuNbd(context, 'raw', file) },
    { name: 'obraz, reads on threads', start: () => startObrazNbd(context, file, 'async') },
    { name: 'obraz, reads at once', start: () => startObrazNbd(context, file, 'sync') },
  ]);
  return { title: 'NBD reads of a raw file in the page cache, over a unix socket', note: clientsNote, rows };
}

async function startObrazNbd({ workFolder }: BenchContext, file: string, way: string): Promise<Served> {
  const socket = join(workFolder, 'obraz-nbd.sock');
  const program = join(import.meta.dirname, 'nbd-file-server.ts');
  const child = spawn(process.execPath, [program, file, socket, way], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return servedBy(child, socket, () => child.stdin.end());
}

async function writeNoise(path: string): Promise<void> {
  await using file = await open(path, 'w');
  const bytes = noise(8 * 2 ** 20, 1);
  for (let at = 0; at < servedBytes; at += bytes.length) await file.write(bytes, 0, bytes.length, at);
}
