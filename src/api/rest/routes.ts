import { type DescField, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '../../gen/google/api/annotations_pb.ts';
import type { HttpRule } from '../../gen/google/api/http_pb.ts';
import type { ApiMethod, ApiService } from '../api-service.ts';
import { matchPath, type PathTemplate, parsePathTemplate, parseRequestPath } from './path-template.ts';

/** One way to reach a method over HTTP. */
export interface Route {
  /** In upper case. */
  readonly verb: string;
  readonly template: PathTemplate;
  /** What the body is: the whole request, one field of it, or nothing. What it does not say is in the query. */
  readonly body: 'whole' | 'nothing' | DescField;
  readonly method: ApiMethod;
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly pathFields: Readonly<Record<string, string>> }
  /** The path exists, but not for this verb. */
  | { readonly kind: 'wrong-verb'; readonly verbs: readonly string[] }
  | { readonly kind: 'no-such-path' };

/** The routes of all methods, read from their google.api.http annotations. Throws when one is not usable. */
export function routesOf(services: readonly ApiService[]): readonly Route[] {
  return services.flatMap((service) => service.methods.flatMap(methodRoutes));
}

/** Finds the route of a request. A HEAD is answered by the GET of the same path. */
export function findRoute(routes: readonly Route[], verb: string, path: string): RouteMatch {
  const parsed = parseRequestPath(path);
  if (parsed === undefined) return { kind: 'no-such-path' };
  const wanted = verb === 'HEAD' ? 'GET' : verb;
  const verbs: string[] = [];
  for (const route of routes) {
    const pathFields = matchPath(route.template, parsed);
    if (pathFields === undefined) continue;
    if (route.verb === wanted) return { kind: 'found', route, pathFields };
    verbs.push(route.verb);
  }
  return verbs.length === 0 ? { kind: 'no-such-path' } : { kind: 'wrong-verb', verbs };
}

function methodRoutes(method: ApiMethod): Route[] {
  if (!hasOption(method.desc, http)) return [];
  const rule = getOption(method.desc, http);
  return [rule, ...rule.additionalBindings].map((binding) => bindingRoute(method, binding));
}

function bindingRoute(method: ApiMethod, { pattern, body }: HttpRule): Route {
  if (pattern.case === undefined) throw new Error(`${method.name} has a route without a path`);
  const template = parsePathTemplate(pattern.value);
  for (const segment of template.segments) {
    if ('field' in segment) assertTextField(method.desc, segment.field);
  }
  return { verb: pattern.case.toUpperCase(), template, body: bodyOf(method, body), method };
}

function bodyOf({ desc, name }: ApiMethod, body: string): Route['body'] {
  if (body === '') return 'nothing';
  if (body === '*') return 'whole';
  const field = desc.input.fields.find((candidate) => candidate.name === body);
  if (field?.fieldKind !== 'message') throw new Error(`the request of ${name} has no message ${body} for its body`);
  return field;
}

function assertTextField(desc: DescMethod, name: string): void {
  const field: DescField | undefined = desc.input.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind !== 'scalar') throw new Error(`${desc.input.typeName} has no field ${name} for its path`);
}
