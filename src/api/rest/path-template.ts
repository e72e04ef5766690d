/**
 * The path templates of google.api.http, as far as this API has them:
 *
 *   template = { "/" segment } [ ":" verb ]
 *   segment  = literal | "{" field "}"
 *   literal  = letters, digits, "-", "_", "."        verb, field = letters, digits, "_"
 *
 * A field takes one whole segment of the path, percent-decoded. A colon in the last segment of a path begins the verb;
 * in a value it is written as %3A.
 */
export interface PathTemplate {
  readonly segments: readonly Segment[];
  /** '' when there is none. */
  readonly verb: string;
}

type Segment = { readonly literal: string } | { readonly field: string };

const templateShape = /^((?:\/[^/:]+)+)(?::(\w+))?$/;
const literalShape = /^[\w.-]+$/;
const fieldShape = /^\{(\w+)\}$/;

/** Throws for what the grammar above does not have: the templates are our own. */
export function parsePathTemplate(text: string): PathTemplate {
  const [, path, verb = ''] = templateShape.exec(text) ?? [];
  if (path === undefined) throw new Error(`not a path template: ${text}`);
  const segments = path
    .slice(1)
    .split('/')
    .map((segment) => {
      const field = fieldShape.exec(segment)?.[1];
      if (field !== undefined) return { field };
      if (!literalShape.test(segment)) throw new Error(`not a segment of a path template: ${segment}`);
      return { literal: segment };
    });
  return { segments, verb };
}

/** A path taken apart the way templates are. */
export interface RequestPath {
  readonly segments: readonly string[];
  readonly verb: string;
}

/** Takes apart the path of a request target, without its query. Undefined when its percent-encoding is broken. */
export function parseRequestPath(path: string): RequestPath | undefined {
  if (!path.startsWith('/')) return undefined;
  const raw = path.slice(1).split('/');
  const last = raw.pop() ?? '';
  const colon = last.lastIndexOf(':');
  raw.push(colon < 0 ? last : last.slice(0, colon));
  try {
    return { segments: raw.map(decodeURIComponent), verb: colon < 0 ? '' : last.slice(colon + 1) };
  } catch {
    return undefined;
  }
}

/** The values of the template's fields when the path fits it. A field is never empty. */
export function matchPath(template: PathTemplate, path: RequestPath): Readonly<Record<string, string>> | undefined {
  if (template.verb !== path.verb || template.segments.length !== path.segments.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, segment] of template.segments.entries()) {
    const value = path.segments[index];
    if (value === undefined) return undefined;
    if ('field' in segment) {
      if (value === '') return undefined;
      values[segment.field] = value;
    } else if (segment.literal !== value) {
      return undefined;
    }
  }
  return values;
}
