/** An answer is kept at least so many times as long as it took: who asks all the time costs a hundredth of one's time. */
const keptFor = 100;

/**
 * A function whose answer is kept for a while, at least `keepMs`: however many ask meanwhile, the work is done once. A
 * failure is everybody's who waited for it, and is not kept.
 */
export function remembered<T>(keepMs: number, work: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  /** Infinity as long as the work is under way. */
  let keptUntil = 0;
  return () => {
    if (asked !== undefined && performance.now() < keptUntil) return asked;
    const begunAt = performance.now();
    keptUntil = Number.POSITIVE_INFINITY;
    asked = work().then(
      (answer) => {
        const now = performance.now();
        keptUntil = now + Math.max(keepMs, keptFor * (now - begunAt));
        return answer;
      },
      (error: unknown) => {
        asked = undefined;
        throw error;
      },
    );
    return asked;
  };
}
