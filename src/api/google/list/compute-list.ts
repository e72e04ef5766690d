import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Page } from '../../../lib/page.ts';
import type { ListRequest } from '../../../resources/list-resources.ts';
import { jsonOf } from '../json-of.ts';
import { listFiltered } from './list-filtered.ts';
import { readFilter } from './read-filter.ts';
import { readOrder } from './read-order.ts';
import { readPage } from './read-page.ts';

/** What every list of this API is asked for with. */
export interface AskedList {
  readonly filter?: string | undefined;
  readonly maxResults?: number | undefined;
  readonly orderBy?: string | undefined;
  readonly pageToken?: string | undefined;
}

export interface ComputeList<R, S extends DescMessage> {
  /** What is listed: a token of one list is none of another. */
  readonly path: string;
  readonly folderId: string;
  readonly schema: S;
  /** For the filter. */
  messageOf(resource: R): MessageShape<S>;
  /** The core's list, in whatever words. */
  fetch(request: ListRequest): Promise<Page<R>>;
}

/** A page of the resources of a project that a request asks for. Throws INVALID_ARGUMENT. */
export async function computeList<R extends { readonly id: string }, S extends DescMessage>(
  { filter = '', orderBy: order = '', maxResults, pageToken }: AskedList,
  { path, folderId, schema, messageOf, fetch }: ComputeList<R, S>,
): Promise<Page<R>> {
  const orderBy = readOrder(order);
  return await listFiltered<R>({
    query: [path, filter, orderBy],
    page: readPage({ maxResults, pageToken }),
    filter: readFilter(filter, schema),
    fetchPage: (token, pageSize) => fetch({ folderId, pageSize, pageToken: token, filter: '', orderBy }),
    toJson: (resource) => jsonOf(schema, messageOf(resource)),
  });
}
