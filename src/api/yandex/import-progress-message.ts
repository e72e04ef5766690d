import { create } from '@bufbuild/protobuf';
import {
  type ImportProgress,
  ImportProgress_Phase,
  ImportProgressSchema,
} from '../../gen/obraz/v1/import_progress_pb.ts';
import { choiceOf, integerOf, objectOf } from '../../lib/json.ts';

const phases = {
  queued: ImportProgress_Phase.QUEUED,
  opening: ImportProgress_Phase.OPENING,
  spooling: ImportProgress_Phase.SPOOLING,
  unpacking: ImportProgress_Phase.UNPACKING,
  importing: ImportProgress_Phase.IMPORTING,
  sealing: ImportProgress_Phase.SEALING,
} as const;

const phaseNames = ['queued', 'opening', 'spooling', 'unpacking', 'importing', 'sealing'] as const;

/** The `progress` of an import as a message; one that has reported none yet waits for its turn. */
export function importProgressMessage(progress: unknown): ImportProgress {
  if (progress === undefined || progress === null) {
    return create(ImportProgressSchema, { phase: ImportProgress_Phase.QUEUED });
  }
  const facts = objectOf(progress, 'progress');
  return create(ImportProgressSchema, {
    phase: phases[choiceOf(facts.phase, phaseNames, 'phase')],
    bytesRead: BigInt(integerOf(facts, 'bytesRead')),
    bytesTotal: BigInt(integerOf(facts, 'bytesTotal')),
    guestBytesDone: BigInt(integerOf(facts, 'guestBytesDone')),
    guestBytesTotal: BigInt(integerOf(facts, 'guestBytesTotal')),
    bytesPerSecond: BigInt(integerOf(facts, 'bytesPerSecond')),
  });
}
