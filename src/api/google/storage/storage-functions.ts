import type { BucketFunctions } from '../../bucket-functions.ts';
import type { ProjectFunctions } from '../naming/projects.ts';

/** What the storage routes call, with what it needs already bound. */
export interface StorageFunctions extends ProjectFunctions, BucketFunctions {}
