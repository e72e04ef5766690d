import { ServiceError } from '../../../errors.ts';

/** The text is no batch of requests, or none that is taken: what is wrong with it, in the words of the public API. */
export class BatchRefused extends ServiceError {
  constructor(problem: string) {
    const message = `Failed to parse batch request, error: ${problem}`;
    super({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_BATCH', message });
    this.name = 'BatchRefused';
  }
}
