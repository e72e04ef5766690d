import { STATUS_CODES } from 'node:http';

/** What one request of a batch was answered. */
export interface PartAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

/** Of the one connection that the whole batch is on. */
const connectionHeaders: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

/** One part of the reply: clients find what it answers by the Content-ID, which gains `response-` in front. */
export function replyPart(boundary: string, contentId: string | undefined, answer: PartAnswer): Uint8Array {
  const { status, headers, body } = answer;
  const head = [
    `--${boundary}`,
    'Content-Type: application/http',
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId.replace(/^<?/, (mark) => `${mark}response-`)}`]),
    '',
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers)
      .filter(([name]) => !connectionHeaders.has(name))
      .map(([name, value]) => `${name}: ${String(value)}`),
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), body, Buffer.from('\r\n')]);
}

export function replyEnd(boundary: string): Uint8Array {
  return Buffer.from(`--${boundary}--\r\n`);
}
