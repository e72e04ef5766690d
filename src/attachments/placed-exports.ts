import { type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import type { NodeMethod } from '../nodes/call-answers.ts';
import type { NodeCalls } from '../nodes/node-calls.ts';
import type { AttachedExports } from './attached-exports.ts';
import type { DeleteAttachmentDeps } from './delete-attachment.ts';

export interface PlacedExportsOptions {
  /** Of this process. */
  readonly nodeId: string;
  /** The connections that are here; undefined for a process that takes none. */
  readonly here: Pick<AttachedExports, 'revoke'> | undefined;
  readonly calls: Pick<NodeCalls, 'ask'>;
}

const revokeMethod = 'revoke-attachment';

/** Ends an attachment's connections, at whichever node they are. Throws UNAVAILABLE when that can't be asked. */
export function createPlacedExports({ nodeId, here, calls }: PlacedExportsOptions): DeleteAttachmentDeps['exports'] {
  return {
    async revoke({ id: attachmentId, nodeId: placeId }) {
      if (placeId === nodeId) await here?.revoke(attachmentId);
      else await calls.ask(placeId, revokeMethod, { attachmentId });
    },
  };
}

/** What other nodes ask of the one that has connections. */
export function answerForExports(here: Pick<AttachedExports, 'revoke'>): Readonly<Record<string, NodeMethod>> {
  return {
    [revokeMethod]: {
      async answer(input): Promise<JsonValue> {
        await here.revoke(stringOf(objectOf(input, revokeMethod), 'attachmentId'));
        return null;
      },
    },
  };
}
