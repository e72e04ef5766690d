/**
 * What the `*`s of a pattern stand for in a name, each as short as it can be, the last as long as it must; undefined when
 * the name does not fit. Takes a time that is linear in both for each `*`.
 */
export function matchPattern(pattern: string, name: string): string[] | undefined {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return name === pattern ? [] : undefined;
  if (!name.startsWith(first)) return undefined;
  const found: string[] = [];
  let place = first.length;
  for (const part of others) {
    const at = name.indexOf(part, place);
    if (at < 0) return undefined;
    found.push(name.slice(place, at));
    place = at + part.length;
  }
  const end = name.length - last.length;
  if (end < place || !name.endsWith(last)) return undefined;
  return [...found, name.slice(place, end)];
}

/** Orders versions as people do: `9.10` is after `9.9`, and `20260102.1` after `20260102`. */
export function compareVersions(one: string, other: string): number {
  const [ones, others] = [one, other].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (let index = 0; ; index += 1) {
    const [a, b] = [ones?.[index], others?.[index]];
    if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
    const difference = /^\d/.test(a) && /^\d/.test(b) ? compareNumbers(a, b) : compareTexts(a, b);
    if (difference !== 0) return difference;
  }
}

/** Digits, however many. */
function compareNumbers(one: string, other: string): number {
  const [a, b] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')];
  return a.length - b.length || compareTexts(a, b);
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
