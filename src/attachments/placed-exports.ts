import type { Database } from '../db/database.ts';
import { type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import type { NodeMethod } from '../nodes/call-answers.ts';
import type { NodeCalls } from '../nodes/node-calls.ts';
import type { AttachedExports } from './attached-exports.ts';
import { findAttachment } from './attachment-rows.ts';
import type { DeleteAttachmentDeps } from './delete-attachment.ts';

export interface PlacedExportsOptions {
  readonly db: Database;
  /** Of this process. */
  readonly nodeId: string;
  /** The connections that are here; undefined for a process that takes none. */
  readonly here: Pick<AttachedExports, 'revoke'> | undefined;
  readonly calls: Pick<NodeCalls, 'ask'>;
}

const revokeMethod = 'revoke-attachment';

/** Ends an attachment's connections, at whichever node they are. Throws UNAVAILABLE when that can't be asked. */
export function createPlacedExports({
  db,
  nodeId,
  here,
  calls,
}: PlacedExportsOptions): DeleteAttachmentDeps['exports'] {
  return {
    async revoke(attachmentId) {
      const attachment = await findAttachment(db.read, attachmentId);
      // One that was deleted meanwhile is only to be ended here: another node ends what has no row by itself.
      if (attachment === undefined || attachment.nodeId === nodeId) return await here?.revoke(attachmentId);
      await calls.ask(attachment.nodeId, revokeMethod, { attachmentId });
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
