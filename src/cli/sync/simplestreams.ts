import { JsonShapeWrong, objectOf, parseJson, stringOf, stringsOf } from '../../lib/json.ts';
import type { FileDigest } from './file-digest.ts';
import { compareVersions } from './file-pattern.ts';
import { UpstreamFailed } from './upstream-failed.ts';

/**
 * Simplestreams, the way that Ubuntu publishes its cloud images, as far as it is needed here. Two kinds of documents:
 *
 *     index:1.0      index: { NAME: { format, datatype, path, products: [PRODUCT] } }
 *     products:1.0   products: { PRODUCT: { versions: { VERSION: { items: { ITEM: { path, sha256 } } } } } }
 *
 * Paths are relative to the folder that `streams/` is in. What is not needed is not looked at.
 * https://canonical-simplestreams.readthedocs-hosted.com
 */
export interface StreamDocument {
  /** Where it was. */
  readonly url: string;
  readonly text: string;
}

/** A version of a product, as its publisher lists it. */
export interface StreamItem {
  readonly version: string;
  readonly path: string;
  readonly digest: FileDigest;
}

/** What paths are relative to: the folder that the last `streams/` of the address is in. */
export function streamBase(url: string): string {
  const path = new URL(url);
  const at = path.pathname.lastIndexOf('/streams/');
  return new URL(at < 0 ? './' : path.pathname.slice(0, at + 1), url).href;
}

/**
 * The path of the products document that has the product; undefined when this is that document itself. Throws
 * UpstreamFailed.
 */
export function productsPath(document: StreamDocument, product: string): string | undefined {
  return read(document, (json) => {
    const format = stringOf(json, 'format');
    if (format === 'products:1.0') return undefined;
    if (format !== 'index:1.0') throw new JsonShapeWrong('format', 'index:1.0 or products:1.0');
    for (const [name, value] of Object.entries(objectOf(json.index, 'index'))) {
      const entry = objectOf(value, name);
      // The same products are listed once more as what one cloud or another calls them.
      const isDownloads =
        entry.format === 'products:1.0' && (entry.datatype ?? 'image-downloads') === 'image-downloads';
      if (isDownloads && stringsOf(entry.products ?? [], 'products').includes(product)) return stringOf(entry, 'path');
    }
    throw new UpstreamFailed(document.url, `has no product ${JSON.stringify(product)}`);
  });
}

/** The newest version of the product that has the item. Throws UpstreamFailed. */
export function newestItem(document: StreamDocument, product: string, itemName: string): StreamItem {
  return read(document, (json) => {
    const products = objectOf(json.products, 'products');
    if (products[product] === undefined) {
      throw new UpstreamFailed(document.url, `has no product ${JSON.stringify(product)}`);
    }
    const versions = objectOf(objectOf(products[product], product).versions, 'versions');
    let newest: StreamItem | undefined;
    for (const [version, value] of Object.entries(versions)) {
      if (newest !== undefined && compareVersions(version, newest.version) <= 0) continue;
      const items = objectOf(objectOf(value, version).items, 'items');
      const item = items[itemName] === undefined ? undefined : objectOf(items[itemName], itemName);
      if (item === undefined || typeof item.sha256 !== 'string') continue;
      newest = { version, path: stringOf(item, 'path'), digest: digestOf(item.sha256) };
    }
    if (newest !== undefined) return newest;
    const fact = `has no version of ${product} with an item ${JSON.stringify(itemName)} and its SHA-256`;
    throw new UpstreamFailed(document.url, fact);
  });
}

function digestOf(sha256: string): FileDigest {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) throw new JsonShapeWrong('sha256', '64 hexadecimal digits');
  return { algorithm: 'sha256', hex: sha256.toLowerCase() };
}

function read<T>({ url, text }: StreamDocument, work: (json: Readonly<Record<string, unknown>>) => T): T {
  try {
    return work(objectOf(parseJson(text), 'the document'));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UpstreamFailed(url, 'is not JSON', { cause });
    if (cause instanceof JsonShapeWrong) {
      throw new UpstreamFailed(url, `is not a simplestreams document: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
