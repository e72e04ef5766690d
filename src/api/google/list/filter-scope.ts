import type { DescMessage } from '@bufbuild/protobuf';
import { FilterRefused } from '../../../lib/filter-refused.ts';
import type { JsonObject } from '../../../lib/json.ts';
import { PatternCompiler } from './field-pattern.ts';
import { type FilterField, findFilterField } from './filter-field.ts';
import { FilterWork } from './filter-work.ts';

/** Whether a resource, in its JSON, is one that the filter is for. Throws FilterRefused when finding out costs too much. */
export type ResourceMatch = (resource: JsonObject) => boolean;

/** Far beyond what people and clients write. */
const maxTerms = 100;
/** Parentheses within parentheses; gcloud opens one for each AND. */
const maxDepth = 50;

/** What the terms of one filter are about, and may cost together. */
export class FilterScope {
  readonly work = new FilterWork();
  readonly patterns = new PatternCompiler();
  readonly #schema: DescMessage;
  #terms = 0;

  constructor(schema: DescMessage) {
    this.#schema = schema;
  }

  /** The field of a term. Throws FilterRefused where there is none. */
  field(names: readonly string[], position: number): FilterField {
    this.#terms += 1;
    if (this.#terms > maxTerms) throw new FilterRefused(position, `more than ${maxTerms} terms`);
    const field = findFilterField(this.#schema, names);
    if (field === undefined) throw new FilterRefused(position, `there is no field ${names.join('.')}`);
    return field;
  }

  /** Throws FilterRefused for parentheses that nest too deep. */
  assertDepth(depth: number, position: number): void {
    if (depth > maxDepth) throw new FilterRefused(position, `more than ${maxDepth} parentheses within each other`);
  }
}
