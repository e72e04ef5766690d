import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * The process: arguments in, exit code out. Compiled code is kept beside the installed packages, which halves the
 * time to start; everything else is imported behind that line. Where it can't be written, it is only slower.
 */
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'obraz'));
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
