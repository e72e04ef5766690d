import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { foreignPageToken, ServiceError } from '../../../errors.ts';
import type { JsonObject } from '../../../lib/json.ts';
import { cutPage, type Page, readPageToken } from '../../../lib/page.ts';
import { type FilteredList, listFiltered } from './list-filtered.ts';
import { readOrder } from './read-order.ts';
import { readPage, sealToken } from './read-page.ts';

interface Row {
  readonly id: string;
  readonly wanted: boolean;
}

function row(number: number, wanted: boolean): Row {
  return { id: `r${String(number).padStart(6, '0')}`, wanted };
}

/** The core's lists as resources/list-resources.ts makes them, over rows in the order of their ids. */
class Core {
  rows: readonly Row[];
  readonly sizes: number[] = [];

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  fetchPage = async (pageToken: string, pageSize: number): Promise<Page<Row>> => {
    this.sizes.push(pageSize);
    const after = readPageToken(['rows'], pageToken, () => foreignPageToken());
    const rest = this.rows.filter(({ id }) => after === undefined || id > after.id);
    return cutPage(rest.slice(0, pageSize + 1), pageSize, ['rows'], ({ id }) => ({ key: '', id }));
  };
}

const toJson = ({ id, wanted }: Row): JsonObject => ({ id, wanted });
const isWanted = ({ wanted }: JsonObject): boolean => wanted === true;

function listOf(core: Core, change: Partial<FilteredList<Row>>): FilteredList<Row> {
  const page = { limit: 500, pageToken: '' };
  return { query: ['images', 'p'], page, filter: isWanted, fetchPage: core.fetchPage, toJson, ...change };
}

/** All pages, and how many there were. `between` is called with each page. */
async function walk(core: Core, limit: number, change: Partial<FilteredList<Row>> = {}, clock = () => 0) {
  const ids: string[] = [];
  let pageToken = '';
  let pages = 0;
  do {
    const { items, nextPageToken } = await listFiltered(listOf(core, { page: { limit, pageToken }, ...change }), {
      clock,
    });
    assert.ok(items.length <= limit);
    ids.push(...items.map(({ id }) => id));
    pageToken = nextPageToken;
    pages += 1;
  } while (pageToken !== '');
  return { ids, pages };
}

const someRows = fc
  .array(fc.boolean(), { maxLength: 60 })
  .map((wanted) => wanted.map((isWantedRow, index) => row(index, isWantedRow)));

test('all pages together list what matches exactly once, whatever the size of a page and however long it takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      someRows,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 50 }),
      async (rows, limit, ms) => {
        let time = 0;
        const clock = () => {
          time += ms;
          return time;
        };
        const { ids } = await walk(new Core(rows), limit, {}, clock);
        assert.deepEqual(
          ids,
          rows.filter(({ wanted }) => wanted).map(({ id }) => id),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('rows that come and go within a request neither repeat nor hide others', async () => {
  const changes = fc.array(fc.record({ at: fc.nat(40), wanted: fc.boolean(), isThere: fc.boolean() }), {
    maxLength: 80,
  });
  await fc.assert(
    fc.asyncProperty(changes, fc.integer({ min: 1, max: 7 }), async (steps, limit) => {
      // Even rows stay; odd ones come and go, one at each fetch.
      const core = new Core(Array.from({ length: 20 }, (_, index) => row(index * 2, index % 3 !== 0)));
      const staying = core.rows.filter(({ wanted }) => wanted).map(({ id }) => id);
      const left = [...steps];
      const fetchPage = (token: string, size: number) => {
        const step = left.shift();
        if (step !== undefined) {
          const changed = row(step.at * 2 + 1, step.wanted);
          const others = core.rows.filter(({ id }) => id !== changed.id);
          core.rows = step.isThere ? [...others, changed].sort((a, b) => (a.id < b.id ? -1 : 1)) : others;
        }
        return core.fetchPage(token, size);
      };
      const { ids } = await walk(core, limit, { fetchPage });
      assert.deepEqual(ids, [...new Set(ids)].sort());
      assert.deepEqual(
        staying.filter((id) => !ids.includes(id)),
        [],
      );
    }),
    { numRuns: 300 },
  );
});

test('without a filter a page is one page of the core', async () => {
  const core = new Core(Array.from({ length: 25 }, (_, index) => row(index, false)));
  const { ids, pages } = await walk(core, 10, { filter: undefined });
  assert.equal(ids.length, 25);
  assert.equal(pages, 3);
  assert.deepEqual(core.sizes, [10, 10, 10]);
});

test('a page looks at a limited number of rows, and the next one goes on behind them', async () => {
  const core = new Core(Array.from({ length: 12_345 }, (_, index) => row(index, index === 12_000)));
  const first = await listFiltered(listOf(core, {}), { clock: () => 0 });
  assert.deepEqual(first.items, []);
  assert.notEqual(first.nextPageToken, '');
  const page = { limit: 500, pageToken: first.nextPageToken };
  const second = await listFiltered(listOf(core, { page }), { clock: () => 0 });
  assert.deepEqual(second, { items: [row(12_000, true)], nextPageToken: '' });
});

test('a page ends when its filter has taken its time, and one of a hostile filter has one row at least', async () => {
  const core = new Core(Array.from({ length: 100 }, (_, index) => row(index, true)));
  let time = 0;
  const clock = () => {
    time += 5;
    return time;
  };
  const { items, nextPageToken } = await listFiltered(listOf(core, {}), { clock });
  assert.equal(items.length, 8);
  assert.notEqual(nextPageToken, '');
  const slow = () => {
    time += 1_000;
    return time;
  };
  assert.equal((await walk(core, 500, {}, slow)).pages, 100);
});

test('refuses the page token of another query, and any other text', async () => {
  const core = new Core(Array.from({ length: 25 }, (_, index) => row(index, true)));
  const { nextPageToken } = await listFiltered(listOf(core, { page: { limit: 5, pageToken: '' } }));
  const forged = `${nextPageToken.slice(0, -1)}x`;
  for (const [pageToken, query] of [
    [nextPageToken, ['images', 'q']],
    [forged, ['images', 'p']],
    ['x', ['images', 'p']],
    // Sealed as ours are, over what is no token of the core.
    [sealToken(['images', 'p'], 'abc'), ['images', 'p']],
    ['\0', ['images', 'p']],
    ['a'.repeat(30_000), ['images', 'p']],
  ] as const) {
    await assert.rejects(
      listFiltered(listOf(core, { query, page: { limit: 5, pageToken } })),
      (error) =>
        error instanceof ServiceError &&
        error.code === 'INVALID_ARGUMENT' &&
        error.message.startsWith(`Invalid value for field 'pageToken': '${pageToken.slice(0, 256)}`),
    );
  }
});

test('takes 0 to 500 results, and 500 for 0 and for nothing', () => {
  assert.deepEqual(readPage({}), { limit: 500, pageToken: '' });
  assert.deepEqual(readPage({ maxResults: 0, pageToken: 'a' }), { limit: 500, pageToken: 'a' });
  assert.deepEqual(readPage({ maxResults: 1 }), { limit: 1, pageToken: '' });
  assert.deepEqual(readPage({ maxResults: 500 }), { limit: 500, pageToken: '' });
  assert.throws(
    () => readPage({ maxResults: 501 }),
    (error) =>
      error instanceof ServiceError &&
      error.message ===
        "Invalid value for field 'maxResults': '501'. Values must be within the following range: [0, 500]",
  );
});

test('takes the two orders of the public API, and no other', () => {
  assert.equal(readOrder(''), 'name asc');
  assert.equal(readOrder('name'), 'name asc');
  assert.equal(readOrder(' creationTimestamp  desc'), 'createdAt desc');
  for (const text of ['creationTimestamp', 'name desc', 'id', 'name,id', 'creationTimestamp DESC']) {
    assert.throws(
      () => readOrder(text),
      (error) =>
        error instanceof ServiceError && error.message.startsWith(`Invalid value for field 'orderBy': '${text}'.`),
    );
  }
});
