import { counter, type Family, gauge, histogram } from './family.ts';
import type { DatabaseFigures } from './metered-database.ts';

export interface MetadataSources {
  readonly database: () => DatabaseFigures;
  /** Refused calls that were too many to be recorded. */
  readonly droppedRefusals: () => number;
}

/** The metadata, and the record of who did what. */
export function metadataFamilies({ database, droppedRefusals }: MetadataSources): Family[] {
  return [
    gauge('obraz_transactions_running', 'Transactions under way.', () => database().running),
    gauge(
      'obraz_transactions_waiting',
      'Transactions that wait for others, or for a connection.',
      () => database().waiting,
    ),
    histogram('obraz_transaction_seconds', 'How long transactions took, once they had begun.', () => [
      { histogram: database().seconds },
    ]),
    histogram('obraz_transaction_wait_seconds', 'How long transactions waited to begin.', () => [
      { histogram: database().waitSeconds },
    ]),
    counter(
      'obraz_transactions_failed_total',
      'Transactions that were rolled back, refused changes among them.',
      () => database().failed,
    ),
    counter(
      'obraz_transactions_repeated_total',
      'Runs of transactions that met another one and were made again.',
      () => database().repeated,
    ),
    counter('obraz_audit_dropped_total', 'Refused calls that were too many to be recorded.', droppedRefusals),
  ];
}
