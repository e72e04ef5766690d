import { ruleOf } from '../access/method-rules.ts';
import type { Permission } from '../access/permissions.ts';
import type { Scope } from '../access/scope.ts';
import type { Subject } from '../access/subject.ts';

export interface AuthorizationDeps {
  /** Throws unless the subject has the permission there; see access/authorize.ts. */
  authorize(subject: Subject, permission: Permission, scope: Scope): Promise<void>;
}

/**
 * Throws unless the caller has the method's permission there. `permission` is for methods that need another one, too: their
 * row in access/method-rules.ts names it.
 */
export type Authorize = (scope: Scope, permission?: Permission) => Promise<void>;

/** What one call asks for, in the name of its method. */
export interface CallAuthorization {
  readonly authorize: Authorize;
  /** Throws if the method has a permission and nobody asked for one: a mistake of ours, and nothing may be answered. */
  assertAsked(): void;
}

/**
 * The one way to access/authorize.ts, for rpcs and for routes that are none. `onAsked` is told of everything that is asked for,
 * before it is answered.
 */
export function authorizationOf(
  deps: AuthorizationDeps,
  method: string,
  subject: Subject,
  onAsked: (scope: Scope) => void = () => {},
): CallAuthorization {
  const rule = ruleOf(method);
  let asked = false;
  return {
    async authorize(scope, permission) {
      if (typeof rule === 'string') throw new Error(`${method} needs no permission by its row, and asks for one`);
      const wanted = permission ?? rule[0];
      if (!rule.includes(wanted)) throw new Error(`the row of ${method} has no permission ${wanted}`);
      asked = true;
      onAsked(scope);
      await deps.authorize(subject, wanted, scope);
    },
    assertAsked() {
      if (typeof rule !== 'string' && !asked) throw new Error(`${method} did not ask whether it may`);
    },
  };
}
