/**
 * Whether so long has passed between two looks at a clock that may be set. When it was set back nobody knows, and it has:
 * what is to be done now and then must not wait until the clock has caught up.
 */
export function hasPassed(ms: number, { since, now }: { readonly since: number; readonly now: number }): boolean {
  return now < since || now - since >= ms;
}
