/** The text is no batch of requests, or none that is taken: what is wrong with it. */
export class BatchRefused extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'BatchRefused';
  }
}

/** The body of the answer to it, with HTTP's 400, in the public API's form. */
export function refusalBody({ message: problem }: BatchRefused): string {
  const message = `Failed to parse batch request, error: ${problem}`;
  const errors = [{ message, domain: 'global', reason: 'badRequest' }];
  return JSON.stringify({ error: { code: 400, message, errors, status: 'INVALID_ARGUMENT' } });
}
