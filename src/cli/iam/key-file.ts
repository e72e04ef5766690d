import { type FileHandle, open, unlink } from 'node:fs/promises';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Key_AlgorithmSchema } from '../../gen/yandex/cloud/iam/v1/key_pb.ts';
import type { CreateKeyResponse } from '../../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';

/** A new key as the SDKs, Terraform and Packer read it, which is as yc writes it. */
export function keyFile({ key, privateKey }: CreateKeyResponse): string {
  const file = {
    id: key?.id,
    service_account_id: key?.subject.case === 'serviceAccountId' ? key.subject.value : undefined,
    created_at: key?.createdAt === undefined ? undefined : timestampDate(key.createdAt).toISOString(),
    key_algorithm: key === undefined ? undefined : Key_AlgorithmSchema.value[key.keyAlgorithm]?.name,
    public_key: key?.publicKey,
    private_key: privateKey,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Writes what `make` makes to a file that only its owner can read. The file is there before anything is made: what cannot
 * be written is not made. Throws CliFailed for one that is there already; it is gone again when `make` throws.
 */
export async function writeNewFile<T>(
  path: string,
  make: () => Promise<{ readonly text: string; readonly value: T }>,
): Promise<T> {
  await using file = await openNew(path);
  try {
    const { text, value } = await make();
    await file.writeFile(text);
    await file.sync();
    return value;
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    if (isThere) throw new CliFailed(`${path} is there already: move it away, or name another file.`, { cause });
    throw cause;
  }
}
