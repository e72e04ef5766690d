import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BatchPart } from './batch-part.ts';
import type { PartAnswer } from './batch-reply.ts';

/** What the batch says for those of its requests that don't say it themselves. */
const inheritedHeaders = ['authorization', 'user-agent', 'x-goog-user-project', 'x-client-trace-id'];
/** Of the connection, or of the body as it was in the batch. */
const droppedHeaders: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/**
 * Answers a request of a batch as if it had come alone, from the same peer to the same address. Never throws: a request
 * that was aborted, because the client left, has an answer that nobody reads.
 */
export async function injectPart(
  app: FastifyInstance,
  batch: FastifyRequest,
  part: BatchPart,
  signal: AbortSignal,
): Promise<PartAnswer> {
  if (signal.aborted) return failed;
  const { remoteAddress } = batch.socket;
  try {
    const { statusCode, headers, rawPayload } = await app.inject({
      method: part.verb,
      url: part.target,
      headers: partHeaders(batch, part),
      ...(part.body.length === 0 ? {} : { payload: Buffer.from(part.body) }),
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
      signal,
    });
    return { status: statusCode, headers, body: rawPayload };
  } catch {
    return failed;
  }
}

const failed: PartAnswer = { status: 500, headers: {}, body: new Uint8Array(0) };

function partHeaders(batch: FastifyRequest, { headers }: BatchPart): Record<string, string> {
  const own = [...headers].filter(([name]) => !droppedHeaders.has(name));
  const inherited = inheritedHeaders.flatMap((name) => entryOf(batch, name));
  return Object.fromEntries([...inherited, ...own, ...entryOf(batch, 'host')]);
}

function entryOf({ headers }: FastifyRequest, name: string): [name: string, value: string][] {
  const value = headers[name];
  return typeof value === 'string' ? [[name, value]] : [];
}
