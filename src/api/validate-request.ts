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
 * The validator, with the rules of `schemas` compiled: the first use of a rule set costs about 80 ms otherwise. For
 * requests of absurd sizes they are compiled when one comes: at every start that would cost 150 ms more.
 */
export function createRequestValidator(schemas: readonly DescMessage[]): RequestValidator {
  const complete = createValidator();
  const firstOnly = createValidator({ failFast: true });
  for (const schema of schemas) complete.validate(schema, create(schema));
  return (schema, request, sizeBytes) => {
    const result = (sizeBytes <= completeUpTo ? complete : firstOnly).validate(schema, request);
    if (result.kind === 'valid') return;
    if (result.kind === 'error') throw internal(result.error);
    throw invalidFields(result.violations.map(describe));
  };
}

function describe(violation: Violation): FieldViolation {
  return {
    field: pathToString(violation.field),
    description: violation.forKey ? `key ${violation.message}` : violation.message,
  };
}
