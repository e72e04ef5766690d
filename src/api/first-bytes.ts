import type { Duplex } from 'node:stream';

/** What a client begins to speak. */
export type Protocol = 'tls' | 'http2' | 'http1';

/** RFC 9113, 3.4. No method of HTTP/1.1 begins with PRI and a space. */
const http2Preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** Content type of a TLS record that holds a handshake: RFC 8446, 5.1. */
const tlsHandshake = 0x16;

/** The protocol that these first bytes begin; undefined while they could still be more than one. */
export function protocolOf(bytes: Uint8Array): Protocol | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === tlsHandshake) return 'tls';
  const known = Math.min(bytes.length, http2Preface.length);
  if (!http2Preface.subarray(0, known).equals(bytes.subarray(0, known))) return 'http1';
  return known === http2Preface.length ? 'http2' : undefined;
}

/**
 * Waits for enough bytes to know the protocol, and puts them back, so that whoever is given the connection reads it from
 * its start. Undefined when the connection ends or fails before, or nothing is decided within the time.
 */
export function sniffProtocol(connection: Duplex, timeoutMs: number): Promise<Protocol | undefined> {
  return new Promise((resolve) => {
    let seen: Uint8Array = new Uint8Array(0);
    const settle = (protocol: Protocol | undefined): void => {
      clearTimeout(timer);
      connection.off('readable', look).off('end', giveUp).off('close', giveUp).off('error', giveUp);
      if (seen.length > 0 && !connection.destroyed) connection.unshift(seen);
      resolve(protocol);
    };
    const giveUp = (): void => settle(undefined);
    const look = (): void => {
      const chunk: unknown = connection.read();
      if (!(chunk instanceof Uint8Array)) return;
      seen = Buffer.concat([seen, chunk]);
      const protocol = protocolOf(seen);
      if (protocol !== undefined) settle(protocol);
    };
    const timer = setTimeout(giveUp, timeoutMs);
    connection.on('readable', look).once('end', giveUp).once('close', giveUp).once('error', giveUp);
  });
}
