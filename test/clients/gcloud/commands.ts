/** What stands before the verb of a command. */
const groups: ReadonlySet<string> = new Set([
  ...['auth', 'config', 'compute', 'images', 'disks', 'disk-types', 'snapshots', 'zones', 'operations'],
]);

/** A command of gcloud, without what it is done to, and the flags that it was given in any transcript. */
export interface GcloudCommand {
  readonly name: string;
  readonly flags: readonly string[];
}

/** The commands in command lines, each once, in the order of the alphabet; flags of how to print are not said. */
export function gcloudCommands(lines: readonly string[]): GcloudCommand[] {
  const flagsByName = new Map<string, Set<string>>();
  for (const line of lines) {
    const name = commandName(line);
    const flags = flagsByName.get(name) ?? new Set();
    for (const [flag] of line.matchAll(/(?<= )--[a-z-]+/g)) if (flag !== '--format') flags.add(flag);
    flagsByName.set(name, flags);
  }
  return [...flagsByName]
    .map(([name, flags]) => ({ name, flags: [...flags].sort() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

function commandName(line: string): string {
  const [gcloud = '', ...words] = line.split(' ');
  const verb = words.findIndex((word) => !groups.has(word));
  return [gcloud, ...words.slice(0, verb + 1)].join(' ');
}
