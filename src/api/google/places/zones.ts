import type { Catalog } from '../../../disks/catalog.ts';
import { resourceNotFound } from '../compute-errors.ts';
import { zonePath } from '../naming/links.ts';

/** Throws NOT_FOUND, in the public service's words, unless there is such a zone. */
export function checkZone({ zones }: Pick<Catalog, 'zones'>, project: string, zone: string): void {
  if (!zones.some(({ id }) => id === zone)) throw resourceNotFound(zonePath(project, zone));
}
