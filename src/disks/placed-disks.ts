import type { Database } from '../db/database.ts';
import { dataLoss } from '../errors.ts';
import { type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import type { NodeMethod } from '../nodes/call-answers.ts';
import type { NodeCalls } from '../nodes/node-calls.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import type { DiskContents, Frozen } from './disk-contents.ts';
import { findDiskPlace } from './disk-rows.ts';
import { diskOfFrozen, type OpenDisks } from './open-disks.ts';

export interface PlacedDisksOptions {
  readonly db: Database;
  /** Of this process. */
  readonly nodeId: string;
  /** The disks that are here; undefined for a process that has none. */
  readonly here: OpenDisks | undefined;
  readonly calls: NodeCalls;
}

const freezeMethod = 'freeze-disk';

/**
 * What disks hold, wherever they are: each is at one node, from the moment on when somebody is first to open it. What is
 * frozen is at the disk's node, and the operation that stores it is run there.
 */
export function createPlacedDisks({ db, nodeId, here, calls }: PlacedDisksOptions): DiskContents {
  /** Whether the disk is here, or is deleted and was here if anywhere. */
  const isHere = async (diskId: string): Promise<boolean> => {
    const place = await findDiskPlace(db.read, diskId);
    return place === undefined || place.nodeId === nodeId;
  };
  return {
    async freeze({ id: diskId }) {
      const place = await findDiskPlace(db.read, diskId);
      if (place === undefined || place.nodeId === '') return undefined;
      if (place.nodeId === nodeId && here !== undefined) {
        const id = await here.freeze({ id: diskId });
        return id === undefined ? undefined : frozenHere(here, id);
      }
      if (!place.hasOverlay) return undefined;
      const answer = await calls.askForNow(place.nodeId, freezeMethod, { diskId });
      if (answer.value !== null) {
        const { take, giveBack } = answer;
        return { id: frozenIdOf(answer.value), nodeId: place.nodeId, take, giveBack };
      }
      await answer.giveBack();
      return undefined;
    },
    async openFrozen(content) {
      const { diskId } = content;
      if (here !== undefined && (await isHere(diskId))) return await here.openFrozen(content);
      throw dataLoss(`What was frozen of disk "${diskId}" was at a node that was removed as lost`);
    },
    async release(frozenId: string, stored?: HeldVolume) {
      // The node that has it is told of every end, too.
      if (here !== undefined && (await isHere(diskOfFrozen(frozenId)))) await here.release(frozenId, stored);
    },
    async discard(diskId) {
      // Its node finds out by itself.
      await here?.discard(diskId);
    },
  };

  function frozenHere(disks: OpenDisks, id: string): Frozen {
    return { id, nodeId, async take() {}, giveBack: () => disks.release(id) };
  }
}

/** What other nodes ask of the one that has disks. */
export function answerForDisks(here: OpenDisks): Readonly<Record<string, NodeMethod>> {
  return {
    [freezeMethod]: {
      async answer(input) {
        const frozenId = await here.freeze({ id: stringOf(objectOf(input, freezeMethod), 'diskId') });
        return frozenId === undefined ? null : { frozenId };
      },
      async undo(answer) {
        if (answer !== null) await here.release(frozenIdOf(answer));
      },
    },
  };
}

function frozenIdOf(answer: JsonValue): string {
  return stringOf(objectOf(answer, freezeMethod), 'frozenId');
}
