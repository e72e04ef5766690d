/**
 * What all of these resolve with, once every one of them has ended, well or not: nothing is under way any more. Throws what
 * the first of them, in their order, was rejected with.
 */
export async function settleAll<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
