import { type Image as ImageMessage, InitialStateConfigSchema } from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import type { CreateImage } from '../../../images/create-image.ts';
import type { Call } from '../../call.ts';
import { invalidValue } from '../compute-errors.ts';
import { jsonOf } from '../json-of.ts';
import { checkName } from '../naming/names.ts';
import type { Project } from '../naming/projects.ts';
import {
  checkDescription,
  checkFamily,
  checkInitialState,
  checkLabels,
  checkSize,
  checkStorageLocations,
  deprecationOf,
  guestDetailsOf,
  refuseKeys,
} from '../resources/resource-fields.ts';
import type { FindSource } from './find-source.ts';
import { wantedSource } from './image-source.ts';

const keyFields = [
  'imageEncryptionKey',
  'sourceDiskEncryptionKey',
  'sourceImageEncryptionKey',
  'sourceSnapshotEncryptionKey',
] as const;

/**
 * What an insert asks for, in the core's words. Throws in the public service's for what is wrong, and for what is not kept
 * here.
 */
export async function createImageOf(
  image: ImageMessage | undefined,
  {
    project,
    forceCreate,
    call,
    findSource,
  }: { readonly project: Project; readonly forceCreate: boolean; readonly call: Call; readonly findSource: FindSource },
): Promise<CreateImage> {
  if (image === undefined) throw invalidValue('resource', '', 'Required field is missing.');
  refuseKeys(image, keyFields);
  if (image.enableConfidentialCompute === true) {
    throw invalidValue('resource.enableConfidentialCompute', 'true', 'Confidential computing is not supported.');
  }
  const { sourceType = '', shieldedInstanceInitialState: initialState } = image;
  if (sourceType !== '' && sourceType !== 'RAW') {
    throw invalidValue('resource.sourceType', sourceType, 'Must be RAW.');
  }
  const name = checkName('resource.name', image.name ?? '');
  const family = checkFamily(image.family ?? '');
  const deprecation = deprecationOf(image.deprecated);
  const common = {
    folderId: project.folderId,
    name,
    family,
    description: checkDescription(image.description ?? ''),
    labels: checkLabels(image.labels),
    minDiskSizeBytes: checkSize('resource.diskSizeGb', image.diskSizeGb),
    productIds: [],
    os: undefined,
    pooled: false,
    hardwareGeneration: undefined,
    sourceSha256: '',
    sourceSha512: '',
    guest: guestDetailsOf(image),
    storageLocations: checkStorageLocations(image.storageLocations),
    ...(deprecation === undefined ? {} : { deprecation }),
    ...(initialState === undefined
      ? {}
      : { initialState: jsonOf(InitialStateConfigSchema, checkInitialState(initialState)) }),
  };
  const wanted = wantedSource(image, project.name);
  const source = await findSource(wanted, { project, forceCreate, call });
  return { ...common, source };
}
