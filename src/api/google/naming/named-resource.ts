import { ruleOf } from '../../../access/method-rules.ts';
import type { Permission } from '../../../access/permissions.ts';
import type { ThingNoun } from '../../../access/scope.ts';
import { notFound } from '../../../errors.ts';
import { authorized } from '../../authorized.ts';
import type { Call } from '../../call.ts';
import { told } from '../compute-errors.ts';

interface InFolder {
  readonly id: string;
  readonly folderId: string;
}

/** A resource that is called by its name. */
export interface Named<R extends InFolder> {
  readonly noun: ThingNoun;
  readonly name: string;
  /** How errors call it: `projects/P/global/images/I`. */
  readonly path: string;
  find(): Promise<R | undefined>;
}

/** Where a path has a resource's name, and what is asked for on it, where these are not the usual ones. */
export interface Opening {
  readonly field?: string;
  readonly permission?: Permission | undefined;
}

/**
 * The resource of that name, once the caller may do with it what the method does, or has the permission given. Refusals are in
 * the public service's words.
 */
export async function findNamed<R extends InFolder>(
  { noun, name, path, find }: Named<R>,
  { authorize, caller }: Pick<Call, 'authorize' | 'caller'>,
  permission: Permission = permissionOf(caller.method),
): Promise<R> {
  const found = await find();
  const get = async () => {
    if (found === undefined) throw notFound(noun, name);
    return found;
  };
  return await told({ path, permission }, () => authorized(authorize, noun, found?.id ?? name, get, permission));
}

/** What it takes to call the method; of several, its own. */
export function permissionOf(method: string): Permission {
  const rule = ruleOf(method);
  if (typeof rule === 'string') throw new Error(`${method} asks for no permission`);
  return rule[0];
}
