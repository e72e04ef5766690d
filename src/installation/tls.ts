import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import type { KeyPair } from './certificates.ts';
import { InstallationBroken } from './installation-broken.ts';

/** What the doors need for TLS, as PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly privateKey: string;
  /** Where clients find the authority to trust. */
  readonly authorityPath: string;
}

/** A server certificate is renewed at a start when less than this is left of it. */
const renewBeforeMs = 30 * 24 * 60 * 60 * 1000;

const names = { authority: ['ca.pem', 'ca-key.pem'], server: ['server.pem', 'server-key.pem'] } as const;

/** Where the authority is that server certificates are issued by. */
export function authorityPaths(directory: string): { readonly certificate: string; readonly privateKey: string } {
  const [certificate, privateKey] = names.authority;
  return { certificate: join(directory, certificate), privateKey: join(directory, privateKey) };
}

/**
 * The authority and the server certificate in `directory`, made where they are missing, the latter renewed when it
 * is about to expire, does not fit its key or its authority, or is for other hosts.
 *
 * Of each pair the key is written first. A crash between the two leaves a key without a certificate, or with one
 * that it does not fit; both are made again at the next start. An authority is made again only where its certificate
 * was never written: nobody can have trusted it.
 */
export async function ensureTls(options: {
  readonly directory: string;
  readonly hosts: readonly string[];
  readonly now: Date;
}): Promise<TlsMaterial> {
  const { directory, hosts, now } = options;
  const authorityPath = join(directory, names.authority[0]);
  const authority = await ensureAuthority(directory, now);
  const present = await readPair(directory, names.server);
  if (present !== undefined && serves(present, authority.certificate, hosts, now)) return { ...present, authorityPath };

  if (authority.privateKey === undefined) {
    throw new InstallationBroken(
      `the server certificate has to be made anew, but ${join(directory, names.authority[1])} is missing: ` +
        `restore it, or remove ${directory} to start with a new authority, which clients must then trust`,
    );
  }
  const { makeServerCertificate } = await import('./certificates.ts');
  const { certificate, privateKey } = authority;
  const made = await makeServerCertificate({ certificate, privateKey }, hosts, now);
  await writePair(directory, names.server, made);
  return { ...made, authorityPath };
}

/** The private key is undefined when it is not there: an administrator may keep it elsewhere between renewals. */
async function ensureAuthority(
  directory: string,
  now: Date,
): Promise<{ certificate: string; privateKey: string | undefined }> {
  const certificate = await readFileIfThere(join(directory, names.authority[0]));
  const privateKey = await readFileIfThere(join(directory, names.authority[1]));
  if (certificate === undefined) {
    const { makeAuthority } = await import('./certificates.ts');
    const made = await makeAuthority(now);
    await writePair(directory, names.authority, made);
    return made;
  }
  if (!isCertificate(certificate) || (privateKey !== undefined && !fits(certificate, privateKey))) {
    throw new InstallationBroken(
      `${join(directory, names.authority[0])} is not a certificate, or ${names.authority[1]} beside it is not its ` +
        `key: restore them, or remove ${directory} to start with a new authority, which clients must then trust`,
    );
  }
  return { certificate, privateKey };
}

function serves(pair: KeyPair, authority: string, hosts: readonly string[], now: Date): boolean {
  if (!isCertificate(pair.certificate) || !fits(pair.certificate, pair.privateKey)) return false;
  const certificate = new X509Certificate(pair.certificate);
  return (
    certificate.verify(new X509Certificate(authority).publicKey) &&
    certificate.validToDate.getTime() - now.getTime() > renewBeforeMs &&
    // As many names as hosts, and every host among them: exactly these hosts.
    certificate.subjectAltName?.split(', ').length === hosts.length &&
    hosts.every((host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)))
  );
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function fits(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

async function readPair(directory: string, [certificateName, keyName]: readonly [string, string]) {
  const certificate = await readFileIfThere(join(directory, certificateName));
  const privateKey = await readFileIfThere(join(directory, keyName));
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
}

async function writePair(
  directory: string,
  [certificateName, keyName]: readonly [string, string],
  pair: KeyPair,
): Promise<void> {
  await writeFileDurably(join(directory, keyName), pair.privateKey, 0o600);
  await writeFileDurably(join(directory, certificateName), pair.certificate, 0o644);
}
