import {
  type AccessBinding,
  type AccessBindingDelta,
  type BoundNoun,
  bindingKey,
  maxBindings,
} from '../access/access-binding.ts';
import { deltasToJson } from '../access/access-binding-json.ts';
import { deleteAccessBindings, insertAccessBindings, listAccessBindingRows } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { RoleCache } from '../access/role-cache.ts';
import type { Database, Transaction } from '../db/database.ts';
import { notFound, resourceExhausted } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { accessBindingsKind } from './operation-names.ts';

/** What the bindings are on. */
export interface BoundThing {
  readonly noun: BoundNoun;
  readonly id: string;
}

/** Finds a thing and holds it until the transaction ends; says which folder's operations those on it are. */
export type HoldThing = (tx: Transaction, id: string) => Promise<HeldThing | undefined>;

interface HeldThing {
  readonly folderId: string;
  /** Of an image, a disk or a snapshot. */
  readonly name?: string;
  readonly zoneId?: string;
}

export interface ChangeBindingsDeps {
  readonly db: Database;
  readonly roles: RoleCache;
  readonly holdThing: Readonly<Record<BoundNoun, HoldThing>>;
}

/** Looks at the bindings in the transaction of their change, and throws when they are not as the caller believed them to be. */
export type CheckBindings = (present: readonly AccessBinding[]) => void;

/** Makes these the bindings of the thing, and no others. Throws NOT_FOUND, and what `check` throws. */
export function setAccessBindings(
  deps: ChangeBindingsDeps,
  thing: BoundThing,
  bindings: readonly AccessBinding[],
  caller: Caller,
  check?: CheckBindings,
): Promise<Operation> {
  const wanted = byKey(bindings);
  return change(deps, thing, { verb: 'set', caller }, (present) => {
    check?.([...present.values()]);
    return [
      ...without(present, wanted).map((binding) => ({ action: 'REMOVE', binding }) as const),
      ...without(wanted, present).map((binding) => ({ action: 'ADD', binding }) as const),
    ];
  });
}

/**
 * Adds and removes bindings of the thing, in the order given. Throws NOT_FOUND, and RESOURCE_EXHAUSTED when there would be
 * more than a thing can have.
 */
export function updateAccessBindings(
  deps: ChangeBindingsDeps,
  thing: BoundThing,
  deltas: readonly AccessBindingDelta[],
  caller: Caller,
): Promise<Operation> {
  return change(deps, thing, { verb: 'update', caller }, () => deltas);
}

interface Change {
  readonly verb: 'set' | 'update';
  readonly caller: Caller;
}

/** Done in one transaction, so that changes made at the same moment come one after the other. */
async function change(
  { db, roles, holdThing }: ChangeBindingsDeps,
  { noun, id }: BoundThing,
  { verb, caller }: Change,
  deltasFor: (present: Bindings) => readonly AccessBindingDelta[],
): Promise<Operation> {
  const operation = await startOnce({ db }, caller, async (tx) => {
    const thing = await holdThing[noun](tx, id);
    if (thing === undefined) throw notFound(noun, id);
    const effective = await apply(tx, id, deltasFor);
    return insertFinishedOperation(tx, {
      kind: accessBindingsKind(verb, noun),
      ...subjectOf(thing, id),
      description: verb === 'set' ? 'Set access bindings' : 'Update access bindings',
      createdBy: caller.subjectId,
      result: deltasToJson(effective),
    });
  });
  roles.forget();
  return operation;
}

function subjectOf({ folderId, name, zoneId = '' }: HeldThing, id: string) {
  return name === undefined ? { folderId, resourceId: id } : operationOn({ id, folderId, name, zoneId });
}

/** Returns those that changed something. */
async function apply(
  tx: Transaction,
  id: string,
  deltasFor: (present: Bindings) => readonly AccessBindingDelta[],
): Promise<AccessBindingDelta[]> {
  const before = byKey(await listAccessBindingRows(tx, id));
  const after = new Map(before);
  const effective: AccessBindingDelta[] = [];
  for (const delta of deltasFor(before)) {
    const { action, binding } = delta;
    const key = bindingKey(binding);
    if (after.has(key) === (action === 'ADD')) continue;
    effective.push(delta);
    if (action === 'ADD') after.set(key, binding);
    else after.delete(key);
  }
  if (after.size > maxBindings) {
    const message = `The limit on maximum number of access bindings has exceeded: ${maxBindings} on one resource`;
    throw resourceExhausted('TOO_MANY_BINDINGS', message);
  }
  await deleteAccessBindings(tx, id, without(before, after));
  await insertAccessBindings(tx, id, without(after, before));
  return effective;
}

/** By bindingKey. */
type Bindings = ReadonlyMap<string, AccessBinding>;

function byKey(bindings: readonly AccessBinding[]): Map<string, AccessBinding> {
  return new Map(bindings.map((binding) => [bindingKey(binding), binding]));
}

function without(bindings: Bindings, others: Bindings): AccessBinding[] {
  return [...bindings].flatMap(([key, binding]) => (others.has(key) ? [] : [binding]));
}
