import { setImmediate as nextTurn } from 'node:timers/promises';
import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { type FieldViolation, internal, invalidFields } from '../errors.ts';

/** Throws INVALID_ARGUMENT with every field that breaks a rule of the .proto. `sizeBytes` is the request's encoded size. */
export type RequestValidator = (schema: DescMessage, request: Message, sizeBytes: number) => void;

/**
 * Above this size only the first mistake is looked for: no request that keeps the rules comes near it, and to list the
 * mistakes of half a million labels would hold everybody up.
 */
const completeUpTo = 64 * 1024;

/**
 * The validator. It compiles a message's rules when it first meets one, which takes up to 80 ms; `warm` does that ahead,
 * a message at a time, for those it is given. Requests of absurd sizes have rules of their own, compiled when one comes.
 */
export function createRequestValidator(): {
  readonly validate: RequestValidator;
  warm(schemas: readonly DescMessage[]): Promise<void>;
} {
  const complete = createValidator();
  const firstOnly = createValidator({ failFast: true });
  return {
    validate(schema, request, sizeBytes) {
      const result = (sizeBytes <= completeUpTo ? complete : firstOnly).validate(schema, request);
      if (result.kind === 'valid') return;
      if (result.kind === 'error') throw internal(result.error);
      throw invalidFields(result.violations.map(describe));
    },
    async warm(schemas) {
      for (const schema of schemas) {
        await nextTurn(); // calls that have come in meanwhile go first
        complete.validate(schema, create(schema));
      }
    },
  };
}

function describe(violation: Violation): FieldViolation {
  return {
    field: pathToString(violation.field),
    description: violation.forKey ? `key ${violation.message}` : violation.message,
  };
}
