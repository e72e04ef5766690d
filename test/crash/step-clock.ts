const real = globalThis.Date;
let offsetMs = 0;

/**
 * From now on the clock of this thread is `byMs` ahead of the machine's, or behind it, as after a step of the time; what
 * counts time that passes, `performance.now()` and timers, is as it was. The service's own threads ask for no time of day.
 */
export function stepClock(byMs: number): void {
  offsetMs = byMs;
  const now = () => real.now() + offsetMs;
  globalThis.Date = new Proxy(real, {
    construct: (target, given, asked) => Reflect.construct(target, given.length === 0 ? [now()] : given, asked),
    apply: () => new real(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}
