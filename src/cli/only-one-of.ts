import { CliFailed } from './cli-failed.ts';

/** The name of the one flag that is given among those that exclude each other. Throws CliFailed when several are. */
export function onlyOneOf<F extends object, K extends keyof F & string>(
  flags: F,
  alternatives: Readonly<Record<K, string>>,
): string | undefined {
  const given = Object.entries<string>(alternatives).filter(([name]) => Object.hasOwn(flags, name));
  const named = given.map(([, flag]) => flag);
  if (named.length > 1) throw new CliFailed(`${named.slice(0, 2).join(' and ')} exclude each other: give one.`);
  return named[0];
}
