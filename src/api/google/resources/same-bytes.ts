/** Whether both texts are the same bytes in base64. Some clients write it for URLs, whatever they were given: `-_` for `+/`. */
export function sameBytes(one: string, other: string): boolean {
  return Buffer.from(one, 'base64').equals(Buffer.from(other, 'base64'));
}
