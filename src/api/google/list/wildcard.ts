/** A text with `*` in it for any run of characters, also none. */
export interface Wildcard {
  /** What matching may cost for each character of the text. */
  readonly size: number;
  /** Whether it matches all of the text. */
  matches(text: string): boolean;
}

/** Reads what a filter has as a value: a backslash has the next character stand for itself. */
export function readWildcard(written: string): Wildcard {
  const pieces = [''];
  for (const [part] of written.matchAll(/\\?./gsu)) {
    if (part === '*') pieces.push('');
    else pieces.push((pieces.pop() ?? '') + part.replace(/^\\(?=.)/su, ''));
  }
  return { size: written.length, matches: (text) => matchPieces(pieces, text) };
}

/** The first piece begins the text, the last ends it, and each of the others follows as early as it can. */
function matchPieces(pieces: readonly string[], text: string): boolean {
  const [first = '', ...others] = pieces;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let offset = first.length;
  for (const piece of others) {
    const found = text.indexOf(piece, offset);
    if (found < 0) return false;
    offset = found + piece.length;
  }
  return offset + last.length <= text.length;
}
