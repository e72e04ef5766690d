import { foreignPageToken } from '../../../errors.ts';
import type { Page } from '../../../lib/page.ts';
import type { ListRequest } from '../../../resources/list-resources.ts';

/** Gives out a list that is here as a whole page after page; a token is where the next one begins. */
export function pagesOf<R>(
  items: readonly R[],
): (request: Pick<ListRequest, 'pageSize' | 'pageToken'>) => Promise<Page<R>> {
  return async ({ pageSize, pageToken }) => {
    if (!/^\d{0,9}$/.test(pageToken)) throw foreignPageToken();
    const start = Number(pageToken);
    const end = start + pageSize;
    return { items: items.slice(start, end), nextPageToken: end < items.length ? String(end) : '' };
  };
}
