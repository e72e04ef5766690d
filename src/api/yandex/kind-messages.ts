import type { Any } from '@bufbuild/protobuf/wkt';
import type { Operation } from '../../operations/operation.ts';

/** What an operation of one kind carries: its metadata from its first reply on, its response once it succeeded. */
export interface KindMessages {
  metadata(operation: Operation): Any;
  response(result: unknown): Any;
}
