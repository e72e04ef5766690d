import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** Whether a server certificate is good for this host: a name, or an address without brackets. */
export function isNamedBy(certificatePem: string, host: string): boolean {
  const certificate = new X509Certificate(certificatePem);
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}
