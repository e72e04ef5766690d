import { create } from '@bufbuild/protobuf';
import { type Warning, WarningSchema } from '../../../gen/google/cloud/compute/v1/common_pb.ts';

/**
 * What an aggregated list has, by scope (`global`, `zones/Z`). gcloud reads `items` of every answer, so one that would
 * have none names the scope given, and says as the public service does that there is nothing in it.
 */
export function aggregatedItems<T>(
  found: ReadonlyMap<string, T>,
  scope: string,
  nothing: (warning: Warning) => T,
): Record<string, T> {
  if (found.size > 0) return Object.fromEntries(found);
  const warning = create(WarningSchema, {
    code: 'NO_RESULTS_ON_PAGE',
    message: `There are no results for scope '${scope}' on this page.`,
    data: [{ key: 'scope', value: scope }],
  });
  return { [scope]: nothing(warning) };
}
