/** The little XML that replies of S3 are made of. */

/** A child's name and its text, or an element made already. */
export type Child = readonly [name: string, text: string | number | boolean] | string;

/** An element; the texts are escaped, and what XML cannot have is left out. */
export function element(name: string, ...children: readonly Child[]): string {
  const inner = children.map((child) =>
    typeof child === 'string' ? child : `<${child[0]}>${escaped(String(child[1]))}</${child[0]}>`,
  );
  return `<${name}>${inner.join('')}</${name}>`;
}

/** A document with the root's namespace, which strict clients ask for; errors have none. */
export function xml(root: string, namespace = ''): string {
  const named = namespace === '' ? root : root.replace('>', ` xmlns="${namespace}">`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${named}`;
}

export const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, (character) => (/\s/.test(character) ? character : ''))
    .replaceAll(/[&<>"]/g, (character) => entities[character] ?? '')
    .replaceAll('\r', '&#13;');
}
