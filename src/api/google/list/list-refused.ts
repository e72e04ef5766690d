import { ServiceError } from '../../../errors.ts';

/** Longer values are cut where they are quoted. */
const maxQuotedLength = 2_000;

/** A parameter of a list is wrong, in the words of the public API. `problem` is its last sentence, or ''. */
export function listRefused(parameter: string, value: string, problem: string, cause?: Error): ServiceError {
  const sentence = `Invalid value for field '${parameter}': '${value.slice(0, maxQuotedLength)}'.`;
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_REQUEST',
    message: problem === '' ? sentence : `${sentence} ${problem}`,
    fields: [{ field: parameter, description: cause?.message ?? problem }],
    cause,
  });
}
