import type { FastifyRequest } from 'fastify';

/**
 * `https://HOST:PORT` as the client came to us, for links that it follows: its own word, and given back to nobody else.
 * A proxy that takes TLS off says so in `X-Forwarded-Proto`.
 */
export function baseUrlOf({ headers, protocol }: FastifyRequest): string {
  const host = headers.host ?? '';
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : protocol;
  return URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`).origin : '';
}
