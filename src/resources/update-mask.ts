import { invalidField } from '../errors.ts';

/** What every resource has that may change. */
interface Naming {
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Of name, description and labels those that an Update sets. */
export function maskedNaming(fields: ReadonlySet<string>, { name, description, labels }: Naming): Partial<Naming> {
  return {
    ...(fields.has('name') ? { name } : {}),
    ...(fields.has('description') ? { description } : {}),
    ...(fields.has('labels') ? { labels } : {}),
  };
}

/**
 * The fields that an Update sets, of those that may change: the ones in the mask, in the request's own (proto) names;
 * without a mask, or with an empty one, all of them. Throws INVALID_ARGUMENT for any other.
 */
export function maskedFields<F extends string>(paths: readonly string[] | undefined, mutable: readonly F[]): Set<F> {
  if (paths === undefined || paths.length === 0) return new Set(mutable);
  return new Set(
    paths.map((path) => {
      const field = mutable.find((known) => known === path);
      if (field !== undefined) return field;
      throw invalidField('update_mask', `"${path}" cannot be updated; these can: ${mutable.join(', ')}`);
    }),
  );
}
