/** Of the program itself: they stand before any command, and take no value. */
const ownFlags: ReadonlySet<string> = new Set(['--help', '-h', '--version']);

/**
 * The arguments with flags that stand before the command behind it, where the commands look for them: users of other
 * command lines write `obraz --folder-name web image list`. Every such flag takes a value.
 */
export function moveLeadingFlags(argv: readonly string[]): readonly string[] {
  let place = 0;
  for (let flag = argv[place]; flag?.startsWith('--') && !ownFlags.has(flag); flag = argv[place]) {
    place += flag.includes('=') ? 1 : 2;
  }
  // Without a command there is nothing to move them behind: the program says what is missing.
  return place >= argv.length ? argv : [...argv.slice(place), ...argv.slice(0, place)];
}
