import { createDiskKind, deleteDiskKind, updateDiskKind } from '../../../disks/operation-names.ts';
import { createImageKind, deleteImageKind, updateImageKind } from '../../../images/operation-names.ts';
import type { Operation } from '../../../operations/operation.ts';
import { createSnapshotKind, deleteSnapshotKind, updateSnapshotKind } from '../../../snapshots/operation-names.ts';
import { diskPath, imagePath, snapshotPath } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';

const inserts: ReadonlySet<string> = new Set([createImageKind, createDiskKind, createSnapshotKind]);
const deletes: ReadonlySet<string> = new Set([deleteImageKind, deleteDiskKind, deleteSnapshotKind]);
const updates: ReadonlySet<string> = new Set([updateImageKind, updateDiskKind, updateSnapshotKind]);

/** What the public service calls what was done; what only this one does has the name that it has here. */
export function typeOf(operation: Operation): string {
  const { kind, input } = operation;
  if (isAskedOfDisk(operation)) return 'createSnapshot';
  if (inserts.has(kind)) return 'insert';
  if (deletes.has(kind)) return 'delete';
  if (/AccessBindings$/.test(kind)) return 'setIamPolicy';
  return updates.has(kind) ? updateType(changedFields(input)) : kind;
}

/** A change of labels alone, or of one other thing alone, is a method of its own there. */
function updateType(changed: readonly string[]): string {
  const [only, another] = changed;
  if (another !== undefined) return 'patch';
  if (only === 'labels') return 'setLabels';
  if (only === 'deprecation') return 'deprecate';
  return only === 'sizeBytes' ? 'resize' : 'patch';
}

/** Those of earlier versions do not say. */
function changedFields(input: unknown): readonly string[] {
  const changed = isRecord(input) ? input.changed : undefined;
  return Array.isArray(changed) ? changed.filter((field) => typeof field === 'string') : [];
}

/** What the operation is on. */
export interface OperationTarget {
  readonly id: string;
  /** Of what is no image, disk or snapshot, the project's. */
  readonly path: string;
}

export function targetOf(operation: Operation, project: Project): OperationTarget {
  const disk = isAskedOfDisk(operation) ? diskOf(operation) : undefined;
  if (disk !== undefined) return { id: disk.id, path: diskPath(project.name, operation.zoneId, disk.name) };
  return { id: operation.resourceId, path: pathOf(operation, project) };
}

function pathOf({ kind, zoneId, resourceName }: Operation, project: Project): string {
  switch (kind.split('.')[0]) {
    case 'image':
      return imagePath(project.name, resourceName);
    case 'snapshot':
      return snapshotPath(project.name, resourceName);
    case 'disk':
      return diskPath(project.name, zoneId, resourceName);
    default:
      return `projects/${project.name}`;
  }
}

/** A snapshot that was asked of its disk: the operation is one on the disk, in its zone. */
function isAskedOfDisk({ kind, zoneId }: Operation): boolean {
  return kind === createSnapshotKind && zoneId !== '';
}

/** The disk; undefined where an earlier version did not say. */
function diskOf({ input }: Operation): { readonly id: string; readonly name: string } | undefined {
  if (!isRecord(input) || typeof input.diskId !== 'string' || typeof input.diskName !== 'string') return undefined;
  return { id: input.diskId, name: input.diskName };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
