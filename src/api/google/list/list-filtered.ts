import { ServiceError } from '../../../errors.ts';
import type { JsonObject } from '../../../lib/json.ts';
import type { Page } from '../../../lib/page.ts';
import type { ResourceMatch } from './filter-scope.ts';
import { foreignToken, openToken, type PageRequest, sealToken } from './read-page.ts';

/** A list of the core, and what of it is asked for. */
export interface FilteredList<R extends { readonly id: string }> {
  /** What the list is of and how: collection, project, filter, order. A page token is good for no other. */
  readonly query: readonly string[];
  readonly page: PageRequest;
  /** Undefined when everything passes. */
  readonly filter: ResourceMatch | undefined;
  /** The core's list, without a filter, in the order asked for. Sizes are 1 to 500. */
  fetchPage(pageToken: string, pageSize: number): Promise<Page<R>>;
  /** The resource in the JSON of its reply, for the filter. */
  toJson(resource: R): JsonObject;
}

/** Rows read at once for a filter. */
const rowsPerFetch = 500;
/** Rows looked at for one page. */
const maxRows = 10_000;
/** Time that the filter may take for one page, but for the resource that it comes upon last: filter-work.ts. */
const maxFilterMs = 40;

/**
 * A page of what matches. It can be short, or empty, and yet have a next one, because a request looks at a limited number
 * of rows, in a limited time. Whatever is there all the while that somebody pages is listed exactly once: a page ends
 * behind the last row that was looked at, wherever that is. Throws INVALID_ARGUMENT for a token of another query.
 */
export async function listFiltered<R extends { readonly id: string }>(
  list: FilteredList<R>,
  { clock = () => performance.now() }: { readonly clock?: () => number } = {},
): Promise<Page<R>> {
  const { query, page, filter, fetchPage } = list;
  const start = openToken(query, page.pageToken);
  const sealed = (token: string): string => (token === '' ? '' : sealToken(query, token));
  return refusingToken(page.pageToken, async () => {
    if (filter === undefined) {
      const { items, nextPageToken } = await fetchPage(start, page.limit);
      return { items, nextPageToken: sealed(nextPageToken) };
    }
    const walk = new FilteredWalk(list, filter, clock);
    const nextPageToken = await walk.from(start);
    return { items: walk.found, nextPageToken: sealed(nextPageToken) };
  });
}

/** One request's way along a list. */
class FilteredWalk<R extends { readonly id: string }> {
  readonly found: R[] = [];
  readonly #list: FilteredList<R>;
  readonly #filter: ResourceMatch;
  readonly #clock: () => number;
  /** What was found out about the rows, by their ids. */
  readonly #verdicts = new Map<string, boolean>();
  #filterMs = 0;
  #rows = 0;

  constructor(list: FilteredList<R>, filter: ResourceMatch, clock: () => number) {
    this.#list = list;
    this.#filter = filter;
    this.#clock = clock;
  }

  /** Fills `found`; returns the core's token of what was not looked at, '' at the end of the list. */
  async from(start: string): Promise<string> {
    let token = start;
    do {
      token = await this.#takePage(token);
    } while (token !== '' && !this.#isOver());
    return token;
  }

  #isOver(): boolean {
    const { limit } = this.#list.page;
    return this.found.length >= limit || this.#rows >= maxRows || this.#filterMs >= maxFilterMs;
  }

  /**
   * Takes what matches on the page behind the token. The core knows the places between its pages only: where a page is
   * left in its midst it is read once more, just as far, and what is then there counts.
   */
  async #takePage(token: string): Promise<string> {
    let size = Math.min(rowsPerFetch, maxRows - this.#rows);
    for (;;) {
      const { items, nextPageToken } = await this.#list.fetchPage(token, size);
      const { matching, looked } = this.#look(items);
      if (looked === items.length) {
        this.found.push(...matching);
        this.#rows += looked;
        return nextPageToken;
      }
      size = looked;
    }
  }

  /** Looks at items until there are enough, or the time is up; at one at least. */
  #look(items: readonly R[]): { readonly matching: readonly R[]; readonly looked: number } {
    const wanted = this.#list.page.limit - this.found.length;
    const matching: R[] = [];
    let looked = 0;
    for (const item of items) {
      const isLate = this.#filterMs >= maxFilterMs && !this.#verdicts.has(item.id);
      if (matching.length === wanted || (isLate && looked > 0)) break;
      if (this.#matches(item)) matching.push(item);
      looked += 1;
    }
    return { matching, looked };
  }

  #matches(item: R): boolean {
    const known = this.#verdicts.get(item.id);
    if (known !== undefined) return known;
    const startedAt = this.#clock();
    const matches = this.#filter(this.#list.toJson(item));
    this.#filterMs += this.#clock() - startedAt;
    this.#verdicts.set(item.id, matches);
    return matches;
  }
}

/** The core says in its own words that a token is none of its own: one whose seal was forged. */
async function refusingToken<T>(token: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServiceError && error.fields.some(({ field }) => field === 'page_token')) {
      throw foreignToken(token);
    }
    throw error;
  }
}
