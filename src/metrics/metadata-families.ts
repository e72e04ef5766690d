import type { NoticesFigures } from '../db/postgres-notices.ts';
import { counter, type Family, gauge, histogram } from './family.ts';
import type { DatabaseFigures } from './metered-database.ts';

export interface MetadataSources {
  readonly database: () => DatabaseFigures;
  /** Undefined where nobody else uses the metadata. */
  readonly notices: () => NoticesFigures | undefined;
  /** Refused calls that were too many to be recorded. */
  readonly droppedRefusals: () => number;
}

/** The metadata, and the record of who did what. */
export function metadataFamilies({ database, notices, droppedRefusals }: MetadataSources): Family[] {
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
    gauge('obraz_notices_heard', 'Whether what other processes change is heard of at once; 1 or 0.', () => {
      const figures = notices();
      return figures && Number(figures.areHeard);
    }),
    counter('obraz_notices_total', 'Changes that were heard of, own ones among them.', () => notices()?.received),
    counter('obraz_notice_connections_total', 'How often notices began to be heard.', () => notices()?.connections),
    counter('obraz_audit_dropped_total', 'Refused calls that were too many to be recorded.', droppedRefusals),
  ];
}
