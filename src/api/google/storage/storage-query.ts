import type { Terms } from '../../../buckets/stored-object.ts';
import { ServiceError } from '../../../errors.ts';

/** Refused in the words of the public API. */
export function invalidArgument(message: string): ServiceError {
  return new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
}

/** A whole number of a query, or undefined when it is not there. Throws INVALID_ARGUMENT. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const number = /^\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number))
    throw invalidArgument(`Invalid value for query parameter "${name}": it must be a whole number.`);
  return number;
}

/** The conditions that a request makes. */
export function termsOf(query: URLSearchParams): Terms {
  const asked = {
    generation: numberOf(query, 'ifGenerationMatch'),
    notGeneration: numberOf(query, 'ifGenerationNotMatch'),
    metageneration: numberOf(query, 'ifMetagenerationMatch'),
    notMetageneration: numberOf(query, 'ifMetagenerationNotMatch'),
  };
  const { generation, notGeneration, metageneration, notMetageneration } = asked;
  return {
    ...(generation === undefined ? {} : { generation }),
    ...(notGeneration === undefined ? {} : { notGeneration }),
    ...(metageneration === undefined ? {} : { metageneration }),
    ...(notMetageneration === undefined ? {} : { notMetageneration }),
  };
}

/** What a list asks for. */
export function pageOf(query: URLSearchParams) {
  return {
    prefix: query.get('prefix') ?? '',
    maxResults: numberOf(query, 'maxResults') ?? 0,
    pageToken: query.get('pageToken') ?? '',
  };
}
