const space = /[ \t\n\r]*/y;
/** What stands in a string for itself: all from the space on but the quote and the backslash. */
const plainText = /[ !#-[\]-\uffff]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Where text that JSON.parse refuses stops being JSON: the offset of the first character that cannot stand there, or
 * the text's length when it ends too early. (V8's own messages give a position for some mistakes only, and quote the
 * text.) In states:
 *
 *   value       a value must come            -> after
 *   first-item  a value or "]"               -> after
 *   first-key   a key or "}"                 -> colon, after
 *   key         a key must come              -> colon
 *   colon       ":" must come                -> value
 *   after       "," or the closing bracket   -> value or key, after
 */
export function jsonErrorPosition(text: string): number {
  const open: ('[' | '{')[] = [];
  let state: 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'after' = 'value';
  let position = 0;
  const skip = (token: RegExp): boolean => {
    token.lastIndex = position;
    if (!token.test(text)) return false;
    position = token.lastIndex;
    return true;
  };
  /** Leaves the position at what ends the string too early. (One pattern for a whole string would backtrack.) */
  const skipString = (): boolean => {
    if (text[position] !== '"') return false;
    position += 1;
    do skip(plainText);
    while (skip(escaped));
    if (text[position] !== '"') return false;
    position += 1;
    return true;
  };
  for (;;) {
    skip(space);
    const character = text[position];
    if (character === undefined) return text.length;
    const container = open.at(-1);
    const closes = character === (container === '{' ? '}' : ']') && container !== undefined;
    if (closes && (state === 'after' || state === 'first-item' || state === 'first-key')) {
      open.pop();
      position += 1;
      state = 'after';
    } else if (state === 'after') {
      if (character !== ',' || container === undefined) return position;
      position += 1;
      state = container === '{' ? 'key' : 'value';
    } else if (state === 'colon') {
      if (character !== ':') return position;
      position += 1;
      state = 'value';
    } else if (state === 'key' || state === 'first-key') {
      if (!skipString()) return position;
      state = 'colon';
    } else if (character === '{' || character === '[') {
      open.push(character);
      position += 1;
      state = character === '{' ? 'first-key' : 'first-item';
    } else {
      if (character === '"' ? !skipString() : !skip(scalar)) return position;
      state = 'after';
    }
  }
}
