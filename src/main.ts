import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * The process: arguments in, exit code out. Compiled code is kept beside the installed packages, which halves the
 * time to start; everything else is imported behind that line. Where it can't be written, it is only slower.
 */
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'obraz');
enableCompileCache(cache);
// Threads take it from their environment only; without it each would load the compiler, 15 MB a thread.
// biome-ignore lint/style/noProcessEnv: set for our own threads, not read as configuration
process.env.NODE_COMPILE_CACHE ??= cache;
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
