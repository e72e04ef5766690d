/** What a statement changes, as points are named: `insert packs`, `change tables`, or undefined for what changes nothing. */
export function changeOf(sql: string): string | undefined {
  const words = /\b(insert into|update|delete from|create (?:unique )?(?:table|index)|alter table)\s+"?(\w+)/i.exec(
    sql,
  );
  if (words === null) return undefined;
  const [verb = ''] = (words[1] ?? '').toLowerCase().split(' ');
  return verb === 'create' || verb === 'alter' ? 'change tables' : `${verb} ${words[2]}`;
}

/** The name of the commit of such changes: `commit delete images, insert operations`. */
export function commitOf(changes: ReadonlySet<string>): string {
  return `commit ${[...changes].toSorted().join(', ')}`;
}
