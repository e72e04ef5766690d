import type { NbdServerFigures } from '../nbd/nbd-connections.ts';
import { byLabel, counter, type Family, gauge, histogram } from './family.ts';

/** Attached disks and images: connections, and what they ask for. */
export function nbdFamilies(figures: () => NbdServerFigures): Family[] {
  return [
    gauge('obraz_nbd_connections', 'Open NBD connections, by how far they are.', () => {
      const { shakingHands, clients } = figures();
      return byLabel('state', { handshake: shakingHands, in_use: clients });
    }),
    counter('obraz_nbd_requests_total', 'Requests that succeeded.', () =>
      figures().commands.map(({ command, succeeded }) => ({ labels: { command }, value: succeeded })),
    ),
    histogram(
      'obraz_nbd_request_seconds',
      'How long requests took until they could be answered; every eighth is timed.',
      () => figures().commands.map(({ command, seconds }) => ({ labels: { command }, histogram: seconds })),
    ),
    counter('obraz_nbd_bytes_total', 'Bytes that successful requests were about.', () =>
      figures().commands.map(({ command, bytes }) => ({ labels: { command }, value: bytes })),
    ),
    counter('obraz_nbd_failed_total', 'Requests that the device failed.', () =>
      figures().commands.map(({ command, failed }) => ({ labels: { command }, value: failed })),
    ),
    counter('obraz_nbd_refused_total', 'Requests that were refused before anything was done.', () =>
      figures().commands.map(({ command, refused }) => ({ labels: { command }, value: refused })),
    ),
    gauge('obraz_nbd_memory_bytes', 'What large requests share: in use, and all of it.', () => {
      const { memory, keptBytes } = figures();
      return byLabel('kind', {
        used: memory.totalBytes - memory.freeBytes,
        total: memory.totalBytes,
        kept_for_replies: keptBytes,
      });
    }),
    gauge('obraz_nbd_memory_waiting', 'Connections that wait for memory.', () => figures().memory.waitingCount),
  ];
}
