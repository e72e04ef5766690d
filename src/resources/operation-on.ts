import { shownName } from './shown-name.ts';

/** What an operation keeps of the image, the disk or the snapshot that it is on, which may be gone when somebody asks. */
export interface OperationSubject {
  readonly folderId: string;
  readonly resourceId: string;
  readonly resourceName: string;
  readonly zoneId: string;
}

export function operationOn(resource: {
  readonly id: string;
  readonly folderId: string;
  readonly name: string;
  /** Of a disk; the others are in no zone. */
  readonly zoneId?: string;
}): OperationSubject {
  const { id: resourceId, folderId, zoneId = '' } = resource;
  return { folderId, resourceId, resourceName: shownName(resource), zoneId };
}
