import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { compatibilityPage } from '../compatibility/page.ts';

test('docs/compatibility.md is what test/compatibility/write.ts makes', async () => {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'compatibility.md'), 'utf8');
  assert.equal(page, await compatibilityPage(), 'run node test/compatibility/write.ts');
});
