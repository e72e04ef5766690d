import { constants } from 'node:fs';
import { access, copyFile, mkdir, opendir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { crc32 } from 'node:zlib';

/** Giants would decide alone what the disk is like. */
const maxFileBytes = 64 * 1024 * 1024;

interface FoundFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Evenly spread over 0 to 1, and the same for the same path every time. */
  readonly lot: number;
}

/**
 * Copies `wantedMb` of the files under `roots`, chosen by lot over all folders, and `moreMb` of other files into a folder
 * `opt/package` beside them.
 */
export async function copyFileTree(
  roots: readonly string[],
  target: string,
  { wantedMb, moreMb }: { readonly wantedMb: number; readonly moreMb: number },
): Promise<void> {
  const files: FoundFile[] = [];
  for (const root of roots) await findFiles(root, files);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const share = (wantedMb * 1e6) / totalBytes;
  const more = (moreMb * 1e6) / totalBytes;
  for (const { path, lot } of files) {
    if (lot < share) await copy(path, join(target, path));
    else if (lot < share + more) await copy(path, join(target, 'opt', 'package', relative('/usr', path)));
  }
}

async function findFiles(folder: string, files: FoundFile[]): Promise<void> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await findFiles(path, files);
    } else if (entry.isFile() && (await isReadable(path))) {
      const { size } = await stat(path);
      if (size <= maxFileBytes) files.push({ path, sizeBytes: size, lot: crc32(path) / 2 ** 32 });
    }
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}
