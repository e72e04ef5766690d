import type { Queryable, Transaction } from '../db/database.ts';
import { hasReaders } from '../uploads/upload-rows.ts';
import { objectNotFound, termsDoNotHold } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { findObjectByName } from './object-rows.ts';
import { holds, type StoredObject, type Terms } from './stored-object.ts';

export interface GetObject {
  readonly bucket: string;
  readonly name: string;
  /** The one that is wanted; undefined for the one that has the name. There are no others. */
  readonly generation?: number | undefined;
  readonly terms?: Terms;
}

/** The object that has the name. Throws NOT_FOUND, also when its time is over, and FAILED_PRECONDITION by the terms. */
export async function getObject(
  { db, uploads }: Pick<Buckets, 'db' | 'uploads'>,
  { generation, terms = {}, ...named }: GetObject,
): Promise<StoredObject> {
  const object = await findObjectByName(db.read, named);
  const isThere = object !== undefined && (await isVisible(db.read, object, uploads.now()));
  if (!isThere || (generation ?? object.generation) !== object.generation) throw objectNotFound(named);
  if (!holds(terms, object)) throw termsDoNotHold();
  return object;
}

/** Throws FAILED_PRECONDITION unless the terms hold of what has the name now; `named` may be over, and then nothing has. */
export async function assertTerms(
  tx: Transaction,
  terms: Terms,
  { named, now }: { readonly named: StoredObject | undefined; readonly now: number },
): Promise<void> {
  const current = named !== undefined && (await isVisible(tx, named, now)) ? named : undefined;
  if (!holds(terms, current)) throw termsDoNotHold();
}

/** Whether it is whole, and its time is not over: while it is read, it is not. */
export async function isVisible(db: Queryable, { generation, upload }: StoredObject, now: number): Promise<boolean> {
  if (generation === 0) return false;
  return upload.expiresAt.getTime() > now || (await hasReaders(db, upload.id));
}
