import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compatibilityPage } from './page.ts';

/** Writes docs/compatibility.md: `node test/compatibility/write.ts`, after a change of what it tells of. */
await writeFile(join(import.meta.dirname, '..', '..', 'docs', 'compatibility.md'), await compatibilityPage());
