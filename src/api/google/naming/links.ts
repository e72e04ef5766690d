import { isProject, isReference } from './names.ts';

/** Makes the URLs that stand in replies. */
export type Link = (path: string) => string;

export function linkMaker(base: string): Link {
  return (path) => base + path;
}

/** A URL that was given in full or from the project on, as replies have it. */
export function linkOf(url: string, link: Link): string {
  return url.startsWith('projects/') ? link(url) : url;
}

export function imagePath(project: string, name: string): string {
  return `projects/${project}/global/images/${name}`;
}

export function familyPath(project: string, family: string): string {
  return `projects/${project}/global/images/family/${family}`;
}

export function snapshotPath(project: string, name: string): string {
  return `projects/${project}/global/snapshots/${name}`;
}

export function diskPath(project: string, zone: string, name: string): string {
  return `projects/${project}/zones/${zone}/disks/${name}`;
}

export function zonePath(project: string, zone: string): string {
  return `projects/${project}/zones/${zone}`;
}

export function diskTypePath(project: string, zone: string, type: string): string {
  return `${zonePath(project, zone)}/diskTypes/${type}`;
}

export function regionPath(project: string, region: string): string {
  return `projects/${project}/regions/${region}`;
}

/** The URL of what a request named in whatever form, as replies have it; what names nothing stays as it is. */
export function linkOfReference(url: string, project: string, link: Link): string {
  const reference = parseReference(url, project);
  return reference === undefined ? url : link(pathOf(reference));
}

/** A resource as a request names it. */
export type ResourceReference = { readonly project: string; readonly name: string } & (
  | { readonly kind: 'image' | 'family' | 'snapshot' }
  | { readonly kind: 'disk'; readonly zone: string }
);

/** `projects/P/global/images/I` and the like. */
export function pathOf(reference: ResourceReference): string {
  const { project, name } = reference;
  switch (reference.kind) {
    case 'image':
      return imagePath(project, name);
    case 'family':
      return familyPath(project, name);
    case 'snapshot':
      return snapshotPath(project, name);
    case 'disk':
      return diskPath(project, reference.zone, name);
  }
}

const host = /^https?:\/\/[^/]+\//i;
const version = /^\/?(?:compute\/)?(?:v1|beta|alpha)\//;
const inProject = /^projects\/([^/]+)\/(.+)$/;
const shapes = [
  { kind: 'family', shape: /^(?:global\/images\/)?family\/([^/]+)$/ },
  { kind: 'image', shape: /^global\/images\/([^/]+)$/ },
  { kind: 'snapshot', shape: /^global\/snapshots\/([^/]+)$/ },
] as const;
const diskShape = /^zones\/([^/]+)\/disks\/([^/]+)$/;

/**
 * What a URL in a request means. Clients write them in full, with the host that they were told to send requests to, or from
 * the project or from within it; only the path counts. Undefined for what can name no image, family, snapshot or disk.
 *
 * @param project whose resource it is where the URL does not say
 */
export function parseReference(url: string, project: string): ResourceReference | undefined {
  const path = decoded(url.replace(host, '').replace(version, '').replace(/^\//, ''));
  if (path === undefined) return undefined;
  const [, named = project, rest = path] = inProject.exec(path) ?? [];
  if (!isProject(named)) return undefined;
  for (const { kind, shape } of shapes) {
    const name = shape.exec(rest)?.[1];
    if (name !== undefined) return isReference(name) ? { kind, project: named, name } : undefined;
  }
  const [, zone = '', name = ''] = diskShape.exec(rest) ?? [];
  return isReference(zone) && isReference(name) ? { kind: 'disk', project: named, zone, name } : undefined;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
