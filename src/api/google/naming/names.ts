import { invalidValue } from '../compute-errors.ts';

/*
 * What things are called in requests. The patterns are the public service's own, shown to who breaks them; but what is there
 * may also be called by a name with underscores, which the other API gives.
 */

const namePattern = '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)';
const referencePattern = '[a-z](?:[-_a-z0-9]{0,61}[a-z0-9])?|[1-9][0-9]{0,19}';
/** Ids and names of folders fit, all of them. */
const projectPattern =
  '(?:(?:[-a-z0-9]{1,63}\\.)*(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?):)?(?:[0-9]{1,19}|(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?))';

const nameShape = whole(namePattern);
const referenceShape = whole(referencePattern);
const projectShape = whole(projectPattern);

/** Of what is to be made. Throws INVALID_ARGUMENT; `field` is the path as the public service names it. */
export function checkName(field: string, name: string): string {
  if (!nameShape.test(name)) throw noMatch(field, name, namePattern);
  return name;
}

/** Whether a resource can be called so: by its name, its id or its number. */
export function isReference(text: string): boolean {
  return referenceShape.test(text);
}

/** Of what is there, in a path. Throws INVALID_ARGUMENT. */
export function checkReference(field: string, text: string): void {
  if (!isReference(text)) throw noMatch(field, text, referencePattern);
}

export function isProject(text: string): boolean {
  return projectShape.test(text);
}

/** Throws INVALID_ARGUMENT. */
export function checkProject(text: string): void {
  if (!isProject(text)) throw noMatch('project', text, projectPattern);
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

function noMatch(field: string, value: string, pattern: string) {
  return invalidValue(field, value, `Must be a match of regex '${pattern}'`);
}
