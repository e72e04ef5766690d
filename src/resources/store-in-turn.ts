import type { FairBudget } from '../lib/fair-budget.ts';
import { lengthenTurn } from '../lib/fair-share.ts';
import type { OperationContext } from '../operations/kind.ts';

/**
 * For how long storing goes on while other clouds have nothing and wait. Checkpoints come within 10 s, so most of a turn is
 * kept; a step that takes longer and keeps nothing, as unpacking, is done in a later turn, which is longer.
 */
const turnMs = 60_000;

/**
 * Does work that holds so much memory, in the cloud's turn. To be called when nothing is left to wait for that has no need of
 * memory. Throws GaveWay when the memory is another cloud's turn before the work is done: end the run with it.
 */
export async function storeInTurn<T>(
  memory: FairBudget,
  { signal, timesGivenWay }: Pick<OperationContext, 'signal' | 'timesGivenWay'>,
  { cloudId, bytes }: { readonly cloudId: string; readonly bytes: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using share = await memory.reserve(bytes, {
    group: cloudId,
    turnMs: lengthenTurn(turnMs, timesGivenWay),
    signal,
  });
  const untilWanted = AbortSignal.any([signal, share.wanted]);
  try {
    return await work(untilWanted);
  } catch (error) {
    untilWanted.throwIfAborted();
    throw error;
  }
}
