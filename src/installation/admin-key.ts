import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { newId } from '../lib/ids.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { InstallationBroken } from './installation-broken.ts';

/** The public part of the administrator's authorized key. */
export interface AdminKey {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly createdAt: Date;
  readonly publicKeyPem: string;
}

/** The file, in the form that the Yandex SDKs, Terraform and Packer read. */
interface AdminKeyFile {
  readonly id: string;
  readonly service_account_id: string;
  /** RFC 3339 */
  readonly created_at: string;
  readonly key_algorithm: 'RSA_2048';
  /** SPKI, PEM */
  readonly public_key: string;
  /** PKCS #8, PEM */
  readonly private_key: string;
}

/**
 * The administrator's authorized key, made if the file is not there. Removing the file and starting again makes another
 * key; the one before stays valid.
 */
export async function ensureAdminKey(path: string, serviceAccountId: string, now: Date): Promise<AdminKey> {
  const present = await readKeyFile(path);
  if (present === undefined) {
    const made = await makeKeyFile(serviceAccountId, now);
    await writeFileDurably(path, `${JSON.stringify(made, null, 2)}\n`, 0o600);
    return publicPart(made);
  }
  if (present.service_account_id !== serviceAccountId) {
    throw new InstallationBroken(
      `${path} belongs to another installation: remove it, and the next start makes a new one`,
    );
  }
  return publicPart(present);
}

/** Whose the key in the file is; undefined when there is no file. */
export async function readAdministratorId(path: string): Promise<string | undefined> {
  return (await readKeyFile(path))?.service_account_id;
}

async function makeKeyFile(serviceAccountId: string, now: Date): Promise<AdminKeyFile> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    id: newId('aje'),
    service_account_id: serviceAccountId,
    created_at: now.toISOString(),
    key_algorithm: 'RSA_2048',
    public_key: publicKey,
    private_key: privateKey,
  };
}

async function readKeyFile(path: string): Promise<AdminKeyFile | undefined> {
  const text = await readFileIfThere(path);
  if (text === undefined) return undefined;
  const key = parseKeyFile(text);
  if (key === undefined) {
    throw new InstallationBroken(`${path} is not an authorized key: remove it, and the next start makes a new one`);
  }
  return key;
}

function parseKeyFile(text: string): AdminKeyFile | undefined {
  let value: Partial<Record<keyof AdminKeyFile, unknown>>;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { id, service_account_id, created_at, public_key, private_key } = value;
  const isKey =
    typeof id === 'string' &&
    typeof service_account_id === 'string' &&
    typeof created_at === 'string' &&
    !Number.isNaN(Date.parse(created_at)) &&
    typeof public_key === 'string' &&
    typeof private_key === 'string';
  return isKey ? { id, service_account_id, created_at, key_algorithm: 'RSA_2048', public_key, private_key } : undefined;
}

function publicPart(key: AdminKeyFile): AdminKey {
  return {
    id: key.id,
    serviceAccountId: key.service_account_id,
    createdAt: new Date(key.created_at),
    publicKeyPem: key.public_key,
  };
}
