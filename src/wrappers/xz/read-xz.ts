import xz from 'xz-decompress';
import type { ThreadFailure } from '../thread-messages.ts';

/** The decoder refused the data; the message is the end of a sentence. */
export class XzRefused extends Error {
  readonly check: ThreadFailure['check'];

  constructor(check: ThreadFailure['check'], message: string, cause: unknown) {
    super(message, { cause });
    this.check = check;
  }
}

/** The decoder gives 64 KiB at a time. A message costs about as much as a copy of so many. */
const outputBytes = 1024 * 1024;

/** What XZ Embedded's `enum xz_ret` numbers mean. */
const refusals: Readonly<Record<string, [ThreadFailure['check'], string]>> = {
  '3': ['window', 'there is no memory for its dictionary'],
  '4': ['window', 'its dictionary is larger than 64 MiB'],
  '5': ['damaged', 'something stands in it that is no xz data'],
  '6': ['options', 'it is packed with options that are not read'],
  '7': ['damaged', 'its data or a check sum is wrong'],
  '8': ['truncated', 'the file ends before its data does'],
};

/**
 * The bytes in an xz file, all its streams, on the calling thread; once at a time. Each piece is the caller's until the
 * next is asked for.
 *
 * @throws XzRefused
 */
export async function* readXz(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array, undefined> {
  const input = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await next();
        if (bytes === undefined) controller.close();
        else controller.enqueue(bytes);
      },
    },
    { highWaterMark: 0 },
  );
  const piece = new Uint8Array(outputBytes);
  let filled = 0;
  try {
    for await (const chunk of new xz.XzReadableStream(input)) {
      if (filled + chunk.length > piece.length) {
        yield piece.subarray(0, filled);
        filled = 0;
      }
      piece.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    // The decoder's own errors end in its number.
    const refusal = refusals[/get_next_output failed with error code (\d+)$/.exec(String(error))?.[1] ?? ''];
    if (refusal === undefined) throw error;
    if (filled > 0) yield piece.subarray(0, filled);
    throw new XzRefused(refusal[0], refusal[1], error);
  }
  yield piece.subarray(0, filled);
  return undefined;
}
