import type { Database } from '../db/database.ts';
import type { AuditKind } from './audit-record.ts';
import { deleteAuditBefore, deleteAuditBeyond } from './audit-rows.ts';

/** How much of the record is kept. */
export interface AuditRetention {
  readonly keepMs: number;
  /** The newest so many changes, as many outcomes, and a tenth of that of refusals, which others bring about at will. */
  readonly maxRecords: number;
}

/** Records deleted in one transaction, so that no request waits long behind it. */
const atOnce = 500;

/** Deletes what is older, or beyond that many. */
export async function forgetAudit(
  { db, now }: { readonly db: Database; now(): number },
  { keepMs, maxRecords }: AuditRetention,
  signal?: AbortSignal,
): Promise<void> {
  const repeat = async (deleteSome: () => Promise<number>) => {
    do signal?.throwIfAborted();
    while ((await deleteSome()) === atOnce);
  };
  const before = new Date(now() - keepMs);
  await repeat(() => db.transact((tx) => deleteAuditBefore(tx, before, atOnce)));
  const kept: Readonly<Record<AuditKind, number>> = {
    change: maxRecords,
    outcome: maxRecords,
    refusal: Math.ceil(maxRecords / 10),
  };
  for (const kind of ['change', 'outcome', 'refusal'] as const) {
    await repeat(() => db.transact((tx) => deleteAuditBeyond(tx, kind, { kept: kept[kind], limit: atOnce })));
  }
}
