/** Reads `key=value[,key=value...]`; values may be empty and may hold `=`. Undefined for anything else. */
export function parseKeyValues(text: string): Record<string, string> | undefined {
  const entries = text.split(',').map((item) => {
    const equals = item.indexOf('=');
    return equals < 1 ? undefined : ([item.slice(0, equals).trim(), item.slice(equals + 1).trim()] as const);
  });
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : undefined;
}

/** Reads `item[,item...]`, leaving out what is empty. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
