import type { Logger } from 'pino';
import { type CertificatePaths, readCertificateFiles } from './certificate-files.ts';
import { isNamedBy } from './certificate-names.ts';
import type { TlsMaterial } from './tls.ts';
import { watchFiles } from './watch-files.ts';

/** What TLS is served with; both PEM. */
export interface ServedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** The certificate that clients see, as it is at any time. Dispose it to stop looking after its files. */
export interface WatchedCertificate extends AsyncDisposable {
  current(): ServedCertificate;
  /** The installation's own, whatever the operator's is. */
  readonly own: ServedCertificate;
  /** Whether a client may call this server so, by the certificate it sees or by the installation's own. */
  isOurHost(host: string): boolean;
}

export interface WatchedCertificateOptions {
  /** The operator's files; undefined to serve with the installation's own certificate. */
  readonly paths: CertificatePaths | undefined;
  readonly own: TlsMaterial;
  readonly log: Logger;
  /** There is another certificate for connections from now on. */
  onChange(certificate: ServedCertificate): void;
  readonly everyMs?: number;
}

/**
 * Reads the operator's certificate, and again whenever its files change; a pair that cannot be used then changes nothing
 * and is logged. Throws CertificateUnusable.
 */
export async function openWatchedCertificate(options: WatchedCertificateOptions): Promise<WatchedCertificate> {
  const { paths, log, onChange, everyMs } = options;
  const own: ServedCertificate = { cert: options.own.certificate, key: options.own.privateKey };
  if (paths === undefined) {
    return {
      own,
      current: () => own,
      isOurHost: (host) => isNamedBy(own.cert, host),
      async [Symbol.asyncDispose]() {},
    };
  }
  let served = own;
  await using opening = new AsyncDisposableStack();
  // Watched first: what changes while it is read is read again.
  opening.use(
    await watchFiles({
      paths: [paths.certificatePath, paths.keyPath],
      async onChange() {
        served = await read(paths, log);
        onChange(served);
        log.info({ ...paths }, 'the server certificate was read again');
      },
      onError(error) {
        log.error({ err: error }, 'the server certificate stays as it was: the new one cannot be used');
      },
      ...(everyMs === undefined ? {} : { everyMs }),
    }),
  );
  served = await read(paths, log);
  const opened = opening.move();
  return {
    own,
    current: () => served,
    isOurHost: (host) => isNamedBy(served.cert, host) || isNamedBy(own.cert, host),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function read(paths: CertificatePaths, log: Logger): Promise<ServedCertificate> {
  const { cert, key, validTo } = await readCertificateFiles(paths);
  // Served all the same: that is for the clients to judge, and theirs may be the clock that is right.
  if (validTo < new Date()) log.warn({ ...paths, validTo }, 'the server certificate has expired');
  return { cert, key };
}
