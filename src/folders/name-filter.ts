import { invalidField } from '../errors.ts';
import { parseFilter } from '../lib/filter.ts';
import { FilterRefused } from '../lib/filter-refused.ts';

/** The names that a filter of folders or clouds (`name = "default"`) leaves; undefined when it leaves every one. */
export function namesInFilter(text: string): readonly string[] | undefined {
  let names: Set<string> | undefined;
  try {
    for (const { field, key, operator, values, position } of parseFilter(text)) {
      if (field !== 'name' || key !== undefined) throw new FilterRefused(position, 'only name can be filtered by');
      if (operator !== '=' && operator !== 'IN') throw new FilterRefused(position, 'name takes = and IN only');
      const wanted = new Set(values.map((value) => value.text));
      names = names === undefined ? wanted : names.intersection(wanted);
    }
  } catch (error) {
    if (error instanceof FilterRefused) throw invalidField('filter', error.message);
    throw error;
  }
  return names && [...names];
}
