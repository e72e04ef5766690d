import type { Queryable, Transaction } from '../db/database.ts';
import { parseJson } from '../lib/json.ts';
import { type SourceReport, sourceReportFromJson, sourceReportToJson } from './source-report.ts';

/** Keeps what was found in the file that the image was made from; it goes when the image's row goes. */
export async function insertImageSource(tx: Transaction, imageId: string, source: SourceReport): Promise<void> {
  const report = JSON.stringify(sourceReportToJson(source));
  await tx.insertInto('image_sources').values({ image_id: imageId, report }).execute();
}

/** Undefined for an image that was made of no file. */
export async function findImageSource(db: Queryable, imageId: string): Promise<SourceReport | undefined> {
  const row = await db.selectFrom('image_sources').select('report').where('image_id', '=', imageId).executeTakeFirst();
  return row === undefined ? undefined : sourceReportFromJson(parseJson(row.report));
}
