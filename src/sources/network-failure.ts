import { AddressRefused } from './address-policy.ts';
import { SourceFailed, type SourceFailedFacts } from './source-failed.ts';
import { describeUri } from './source-uri.ts';

/** What an error of the resolver, the socket, TLS or the HTTP parser means for the person who gave the address. */
export function networkFailure(url: URL, error: unknown): SourceFailed {
  if (error instanceof SourceFailed) return error;
  return new SourceFailed({ url: describeUri(url), cause: error, ...factsOf(url, error) });
}

type Facts = Pick<SourceFailedFacts, 'kind' | 'reason' | 'remedy' | 'transient'>;

function factsOf(url: URL, error: unknown): Facts {
  if (error instanceof AddressRefused) {
    return {
      kind: 'address-not-allowed',
      reason: error.reason,
      remedy: error.remedy,
    };
  }
  const code = codeOf(error);
  if (code === 'ENOTFOUND' || code === 'ENODATA') {
    return { kind: 'name-not-resolved', reason: `The host name ${url.hostname} does not resolve.` };
  }
  if (code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return {
      kind: 'name-not-resolved',
      reason: `The host name ${url.hostname} could not be looked up.`,
      transient: true,
    };
  }
  const unreachable = UNREACHABLE.get(code);
  if (unreachable !== undefined) return { kind: 'unreachable', reason: unreachable, transient: true };
  if (isTlsCode(code)) {
    return {
      kind: 'tls-failed',
      reason: `No trusted TLS connection could be made (${code}).`,
      remedy: tlsRemedy(code),
    };
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { kind: 'misbehaved', reason: 'The server sent more headers than are read.' };
  }
  // The parser's errors carry no code. A connection that ends before the last chunk is one of them, but it is a broken
  // connection, not a broken server.
  if (error instanceof Error && error.name === 'HTTPParserError' && !error.message.includes('EOF')) {
    return { kind: 'misbehaved', reason: "The server's answer is not HTTP/1.1." };
  }
  return { kind: 'interrupted', reason: `The connection broke (${code}).`, transient: true };
}

const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'The server refused the connection.'],
  ['EHOSTUNREACH', 'The server cannot be reached.'],
  ['ENETUNREACH', 'The network of the server cannot be reached.'],
  ['ETIMEDOUT', 'The server did not accept a connection in time.'],
]);

function isTlsCode(code: string): boolean {
  return (
    code === 'EPROTO' ||
    /^(ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
      code,
    )
  );
}

function tlsRemedy(code: string): string | undefined {
  if (/^(EPROTO|ERR_SSL_WRONG_VERSION|ERR_SSL_PACKET_LENGTH|ERR_SSL_HTTP)/.test(code)) {
    return 'Does the server speak https on this port?';
  }
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return "If the server has an authority of its own, the service's operator can name it in NODE_EXTRA_CA_CERTS.";
  }
  return undefined;
}

/** The code of an error, or of the first inner one that has a code (several addresses tried make an AggregateError). */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) {
    for (const inner of error.errors) {
      const code = codeOf(inner);
      if (code !== 'unknown') return code;
    }
  }
  return 'unknown';
}
