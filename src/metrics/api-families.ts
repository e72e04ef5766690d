import type { ApiFigures } from '../api/api.ts';
import type { CallGateFigures } from '../api/call-gate.ts';
import { maxConnections } from '../api/listener.ts';
import { byLabel, counter, type Family, gauge, histogram } from './family.ts';

/** Calls through both doors, what they wait for, and connections. */
export function apiFamilies(figures: () => ApiFigures): Family[] {
  const gates = (of: (gate: CallGateFigures) => number) => () => {
    const { calls, bodies, contents } = figures();
    return byLabel('kind', { call: of(calls), upload: of(bodies), content: of(contents) });
  };
  return [
    counter('obraz_calls_total', 'Calls that ended, by method, door and status code.', () =>
      Iterator.from(figures().ended.methods()).flatMap(({ method, door, codes }) =>
        Iterator.from(codes).map(([code, value]) => ({ labels: { method, door, code }, value })),
      ),
    ),
    histogram('obraz_call_seconds', 'How long calls took, their wait for a turn included.', () =>
      Iterator.from(figures().ended.methods()).map(({ method, door, seconds }) => ({
        labels: { method, door },
        histogram: seconds,
      })),
    ),
    counter('obraz_call_failures_total', 'Calls that failed, by reason.', () =>
      Iterator.from(figures().ended.reasons()).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    gauge(
      'obraz_calls_running',
      'Calls that are worked on; uploads and contents on their way.',
      gates((gate) => gate.running),
    ),
    gauge(
      'obraz_calls_waiting',
      'Calls that wait for their turn.',
      gates((gate) => gate.waiting),
    ),
    counter(
      'obraz_calls_refused_total',
      'Calls that were refused because there were too many, by what was too much.',
      () => {
        const { calls, bodies, contents } = figures();
        return Object.entries({ call: calls, upload: bodies, content: contents }).flatMap(([kind, { refused }]) =>
          Object.entries(refused).map(([limit, value]) => ({ labels: { kind, limit }, value })),
        );
      },
    ),
    counter(
      'obraz_calls_waited_seconds_total',
      'What calls have waited for their turn.',
      () => figures().calls.waitedMs / 1000,
    ),
    gauge('obraz_unsent_bytes', 'Replies that their clients have not taken.', () => figures().unsent.bytes),
    counter(
      'obraz_connections_cut_total',
      'Connections that were cut because their clients took no replies.',
      () => figures().unsent.cuts,
    ),
    gauge('obraz_operation_waits', 'Calls that wait for the end of an operation.', () => figures().calls.aside),
    gauge(
      'obraz_connections',
      'Open connections to the API; `any` has those that have not said what they speak.',
      () => {
        const { all, grpc, rest } = figures().connections;
        return byLabel('door', { any: all, grpc, rest });
      },
    ),
    gauge('obraz_connections_max', 'Connections that one port of the API takes.', () => maxConnections),
  ];
}
