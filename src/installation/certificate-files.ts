import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Where an operator keeps a certificate with its chain, and its key. */
export interface CertificatePaths {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** A server certificate, with the certificates between it and its authority behind it, and its key; both PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly validTo: Date;
}

/** The operator's certificate or key cannot be used: the message says which file, and why. */
export class CertificateUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CertificateUnusable';
  }
}

/** Reads the pair, and proves that TLS can be served with it. Throws CertificateUnusable. */
export async function readCertificateFiles({ certificatePath, keyPath }: CertificatePaths): Promise<CertificateFiles> {
  const [cert, key] = [await readText(certificatePath), await readText(keyPath)];
  const certificate = parseWith(certificatePath, 'a certificate in PEM', () => new X509Certificate(cert));
  const privateKey: KeyObject = parseWith(keyPath, 'a private key in PEM without a password', () =>
    createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificateUnusable(`${keyPath} is not the key of the first certificate in ${certificatePath}`);
  }
  return { cert, key, validTo: certificate.validToDate };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CertificateUnusable(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

function parseWith<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new CertificateUnusable(`${path} is not ${what}`, { cause });
  }
}
