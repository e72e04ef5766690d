/** What a resource is called where everything has a name: its name, or its id when it has none. */
export function shownName({ id, name }: { readonly id: string; readonly name: string }): string {
  return name === '' ? id : name;
}
