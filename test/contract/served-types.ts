import { globSync } from 'node:fs';
import { join } from 'node:path';
import { createRegistry, type DescEnum, type DescFile, type DescMessage, type DescService } from '@bufbuild/protobuf';

const root = join(import.meta.dirname, '..', '..');

/** The public APIs that there are, by the folder of what is generated of their packages. */
export const publicApis = { yandex: 'yandex', compute: 'google/cloud/compute' } as const;

/** Every message, enumeration and service of a public API's packages that we have, by what proto/ generates. */
export async function servedTypes(
  api: keyof typeof publicApis,
): Promise<readonly (DescMessage | DescEnum | DescService)[]> {
  const files: DescFile[] = [];
  for (const path of globSync(`src/gen/${publicApis[api]}/**/*_pb.ts`, { cwd: root }).sort()) {
    const generated: Readonly<Record<string, unknown>> = await import(join(root, path));
    files.push(...Object.values(generated).filter(isFile));
  }
  const types = [...createRegistry(...files)].filter((type) => type.kind !== 'extension');
  return types.sort((one, other) => (one.typeName < other.typeName ? -1 : 1));
}

const isFile = (value: unknown): value is DescFile =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
