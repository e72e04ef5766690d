import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { Operation } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { ApiFailed } from './api-failed.ts';
import { CliFailed } from './cli-failed.ts';
import { findFolderId, quote } from './find-resources.ts';
import type { Columns } from './render.ts';
import type { Session } from './session.ts';

/** What the user sees and names of an image, a disk and a snapshot alike. */
export interface Resource {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ListQuery {
  readonly folderId: string;
  readonly pageSize: bigint;
  readonly pageToken: string;
  readonly filter: string;
  readonly orderBy: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** One of the kinds of thing that have the same verbs; R is its message. */
export interface ResourceKind<D extends DescMessage, R extends Resource & MessageShape<D>> {
  readonly noun: 'image' | 'disk' | 'snapshot';
  readonly schema: D;
  readonly columns: Columns<MessageShape<D>>;
  get(session: Session, id: string): Promise<R>;
  list(session: Session, query: ListQuery): Promise<Page<R>>;
  delete(session: Session, id: string): Promise<Operation>;
  setLabels(session: Session, id: string, labels: Record<string, string>): Promise<Operation>;
  listOperations(
    session: Session,
    id: string,
    page: Pick<ListQuery, 'pageSize' | 'pageToken'>,
  ): Promise<Page<Operation>>;
}

/** How the user named a thing: one of the three. */
export interface ResourceReference {
  readonly nameOrId?: string | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** What finding a thing needs of its kind. */
export interface Findable<R> {
  readonly noun: string;
  get(session: Session, id: string): Promise<R>;
  list(session: Session, query: ListQuery): Promise<Page<R>>;
}

/** The thing that is meant. What could be an id is first looked up as one. */
export async function findResource<R extends { readonly id: string }>(
  session: Session,
  kind: Findable<R>,
  reference: ResourceReference,
): Promise<R> {
  return await findReferenced(session, kind, reference, async (name) => {
    // A list may say less of a thing than a get.
    const { id } = await resourceByName(session, kind, name, await findFolderId(session));
    return await kind.get(session, id);
  });
}

/** The same of anything that has an id, which is found by a name in its own way. */
export async function findReferenced<R>(
  session: Session,
  kind: Pick<Findable<R>, 'noun' | 'get'>,
  { nameOrId, id, name }: ResourceReference,
  byName: (name: string) => Promise<R>,
): Promise<R> {
  if ([nameOrId, id, name].filter((given) => given !== undefined).length !== 1) {
    throw new CliFailed(`name one ${kind.noun}: by its name or id, by --id or by --name.`);
  }
  if (id !== undefined) return await kind.get(session, id);
  const text = name ?? nameOrId ?? '';
  if (name === undefined && /^[a-z0-9]{20}$/.test(text)) {
    try {
      return await kind.get(session, text);
    } catch (error) {
      if (!(error instanceof ApiFailed && error.code === status.NOT_FOUND)) throw error;
    }
  }
  return await byName(text);
}

/** The thing of that name in a folder. */
export async function resourceByName<R>(
  session: Session,
  kind: Findable<R>,
  name: string,
  folderId: string,
): Promise<R> {
  const found = await findResourceByName(session, kind, name, folderId);
  if (found === undefined) throw new CliFailed(`there is no ${kind.noun} "${name}" in folder ${folderId}.`);
  return found;
}

export async function findResourceByName<R>(
  session: Session,
  kind: Findable<R>,
  name: string,
  folderId: string,
): Promise<R | undefined> {
  const query = { folderId, pageSize: 2n, pageToken: '', filter: `name = ${quote(name)}`, orderBy: '' };
  return (await kind.list(session, query)).items[0];
}
