import type { JsonValue } from '@bufbuild/protobuf';
import type { OutputFormat } from '../output-format.ts';
import { type Columns, showRows } from '../render.ts';
import type { Session } from '../session.ts';
import type { FamilyResult } from './sync-family.ts';

const columns: Columns<FamilyResult> = [
  ['FAMILY', ({ family }) => family],
  ['RESULT', ({ outcome }) => outcome],
  ['VERSION', ({ version }) => version || '-'],
  ['IMAGE', ({ image }) => image?.id ?? '-'],
  ['DELETED', ({ deleted }) => deleted.map(({ id }) => id).join(' ') || '-'],
  ['PROBLEM', ({ problem }) => problem.replaceAll(/\s+/g, ' ')],
];

/** Writes what was done, as a table unless the user wants another format. */
export async function showResults(session: Session, results: readonly FamilyResult[]): Promise<void> {
  await showRows(session, results, columns, toPlain);
}

function toPlain({ family, outcome, version, image, deleted, problem }: FamilyResult, format: OutputFormat): JsonValue {
  const imageKey = format === 'json-rest' ? 'imageId' : 'image_id';
  return {
    family,
    result: outcome,
    ...(version === '' ? {} : { version }),
    ...(image === undefined ? {} : { [imageKey]: image.id, name: image.name }),
    deleted: deleted.map(({ id, name }) => ({ id, name })),
    ...(problem === '' ? {} : { problem }),
  };
}
