import { SaxesParser } from 'saxes';
import { ImageRefused } from '../../formats/image-refused.ts';

/** An element of an OVF description; names without their prefixes. */
export interface OvfElement {
  readonly namespace: string;
  readonly name: string;
  /** The values of attributes by their names; the same name in two namespaces is refused. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: OvfElement[];
}

/** Deeper than any description; a reader that follows the depth with its stack is not ended by more. */
const maxDepth = 64;

const maxElements = 20_000;

/**
 * Parses a description. XML as far as descriptions use it: UTF-8, no document type, so that there are no entities but the
 * five of XML itself and nothing outside is ever referred to.
 *
 * @throws ImageRefused
 */
export function parseOvf(bytes: Uint8Array): OvfElement {
  const text = decoded(bytes);
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: OvfElement[] = [];
  let root: OvfElement | undefined;
  let elements = 0;
  // Before the parser reads one: it must not be looked at, not even to be passed over.
  if (/<!DOCTYPE/i.test(text)) throw refuse('ova.xml-doctype', 'it has a document type, which can define entities');
  parser.on('error', (error) => {
    throw refuse('ova.xml', `it is not well formed (${error.message.replace(/^undefined:/, '').slice(0, 200)})`);
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding))
      throw refuse('ova.xml-encoding', `it is in ${JSON.stringify(encoding)}, not in UTF-8`);
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    elements += 1;
    if (elements > maxElements) throw refuse('ova.xml-size', `it has more than ${maxElements} elements`);
    if (open.length === maxDepth)
      throw refuse('ova.xml-size', `its elements stand more than ${maxDepth} deep in each other`);
    const element = { namespace: uri, name: local, attributes: new Map<string, string>(), children: [] };
    for (const attribute of Object.values(attributes)) {
      if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
      if (element.attributes.has(attribute.local))
        throw refuse('ova.xml', `an element says ${JSON.stringify(attribute.local)} twice`);
      element.attributes.set(attribute.local, attribute.value);
    }
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.write(text).close();
  if (root === undefined) throw refuse('ova.xml', 'it is empty');
  return root;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse('ova.xml-encoding', 'it is not in UTF-8', cause);
  }
}

/** @param what the rest of a sentence */
function refuse(check: string, what: string, cause?: unknown): ImageRefused {
  return new ImageRefused({ check, reason: `The OVF description in the archive is not read: ${what}.`, cause });
}
