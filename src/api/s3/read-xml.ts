import { SaxesParser } from 'saxes';
import { s3Error } from './s3-error.ts';

/** A parser keeps no more of a document than this many records. */
const maxRecords = 10_000;
const maxDepth = 8;

/** What stands in each `record` directly below the root, by the names of its children. Throws MalformedXML. */
export function readRecords(
  document: Uint8Array,
  { root, record }: { readonly root: string; readonly record: string },
): readonly ReadonlyMap<string, string>[] {
  const records: Map<string, string>[] = [];
  const path: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw malformed(error.message);
  });
  parser.on('doctype', () => {
    throw malformed('it has a document type');
  });
  parser.on('opentag', ({ name }) => {
    path.push(name);
    if (path.length > maxDepth || (path.length === 1 && name !== root)) throw malformed(`it is no ${root}`);
    if (path.length === 2 && name === record) records.push(new Map());
    if (records.length > maxRecords) throw malformed(`it has more than ${maxRecords} ${record}s`);
  });
  parser.on('closetag', () => {
    path.pop();
  });
  const take = (text: string) => {
    const [, parent, name] = path;
    const fields = records.at(-1);
    if (path.length !== 3 || parent !== record || name === undefined || fields === undefined) return;
    fields.set(name, (fields.get(name) ?? '') + text);
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.write(Buffer.from(document).toString('utf8')).close();
  return records;
}

function malformed(why: string) {
  return s3Error('MalformedXML', `The XML you provided was not well-formed or did not validate: ${why.slice(0, 256)}`);
}
