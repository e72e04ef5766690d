import type { Catalog } from '../../disks/catalog.ts';
import type { ApiService } from '../api-service.ts';
import type { FolderOperationFunctions } from '../folder-functions.ts';
import type { BindingFunctions } from '../yandex/access-binding-handlers.ts';
import { type ComputeDiskFunctions, disksService } from './disks/disks-service.ts';
import { type ArchiveFunctions, createFindSource } from './images/find-source.ts';
import { type ComputeImageFunctions, imageServices } from './images/images-service.ts';
import { linkMaker } from './naming/links.ts';
import type { ProjectFunctions } from './naming/projects.ts';
import { operationServices } from './operations/operations-service.ts';
import { placeServices } from './places/places-service.ts';
import { type ComputeSnapshotFunctions, snapshotsService } from './snapshots/snapshots-service.ts';

/** What the services of the Compute API call, with everything below it already bound. */
export interface ComputeDeps {
  readonly images: ComputeImageFunctions;
  readonly disks: ComputeDiskFunctions;
  readonly snapshots: ComputeSnapshotFunctions;
  readonly operations: FolderOperationFunctions;
  readonly catalog: Catalog;
  readonly bindings: BindingFunctions;
  readonly compute: ComputeFunctions;
}

/** What of it no other door calls. */
export interface ComputeFunctions extends ProjectFunctions, ArchiveFunctions {
  /** The attachment by which somebody writes to the disk; undefined when nobody does. */
  findWriter(diskId: string): Promise<string | undefined>;
  /** What URLs in replies begin with; it ends with a slash. */
  readonly linkBase: string;
}

export function createComputeServices(deps: ComputeDeps): ApiService[] {
  const { images, disks, snapshots, operations, catalog, bindings, compute } = deps;
  const link = linkMaker(compute.linkBase);
  const sources = { ...images, ...disks, ...snapshots, ...compute };
  const common = { projects: compute, sources, bindings, link };
  return [
    ...imageServices({ images, projects: compute, bindings, findSource: createFindSource(sources), link }),
    disksService({ ...common, disks, snapshots, catalog }),
    snapshotsService({ ...common, snapshots }),
    ...operationServices({ operations, projects: compute, catalog, link }),
    ...placeServices(catalog, compute, link),
  ];
}
