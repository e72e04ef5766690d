import type { Violation } from './disk-format.ts';
import { sectorBytes } from './guest-size.ts';
import type { Probe } from './probe.ts';

const remedy =
  'Check that the URL gives the disk file itself: open it with curl -I, and look at a pre-signed URL for its expiry.';

/**
 * What a file without any disk format really is, if it is plainly not a disk: a web page, an XML or JSON answer or a
 * text, most often an error that a server sent in place of the file.
 *
 * Text of a whole number of sectors, with no markup, passes as a raw disk: it is what people make to try things out.
 */
export function notADisk({ head, sizeBytes }: Probe): Violation | undefined {
  const text = textOf(head, sizeBytes > head.length);
  if (text === undefined) return undefined;
  const kind = markupOf(text) ?? (sizeBytes % sectorBytes === 0 ? undefined : 'a text');
  if (kind === undefined) return undefined;
  return { reason: `The file is ${kind}, not a disk: it begins with ${quoted(text)}.`, remedy };
}

/** The same of a file of which only the beginning is known: markup is no disk, however it goes on. */
export function markupViolation(head: Uint8Array): Violation | undefined {
  const text = textOf(head, true);
  const kind = text === undefined ? undefined : markupOf(text);
  if (text === undefined || kind === undefined) return undefined;
  return { reason: `The file is ${kind}, not a disk: it begins with ${quoted(text)}.`, remedy };
}

function markupOf(text: string): string | undefined {
  const start = text.trimStart();
  if (/^<(!doctype\s+html|html|head|body)\b/i.test(start)) return 'an HTML page';
  if (/^<(\?xml|!--|[a-z][\w:.-]*[\s/>])/i.test(start)) return 'an XML document';
  if (/^(\{\s*["}]|\[\s*(["{[\]]|-?\d|true|false|null))/.test(start)) return 'a JSON document';
  return undefined;
}

/** The head as a string if all of it is printable UTF-8. `cut`: the file goes on, perhaps amid a character. */
function textOf(head: Uint8Array, cut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: cut });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells a disk from a text
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The first characters, safe to print. */
function quoted(text: string): string {
  return JSON.stringify(
    text
      .trim()
      .slice(0, 60)
      .replaceAll(/[^ -~]+/g, ' '),
  );
}
