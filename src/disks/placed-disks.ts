import type { Database } from '../db/database.ts';
import { dataLoss } from '../errors.ts';
import { type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import type { NodeMethod } from '../nodes/call-answers.ts';
import type { NodeCalls } from '../nodes/node-calls.ts';
import type { DiskContents, Frozen, FrozenDisk } from './disk-contents.ts';
import { findDiskPlace } from './disk-rows.ts';
import type { OpenDisks } from './open-disks.ts';

export interface PlacedDisksOptions {
  readonly db: Database;
  /** Of this process. */
  readonly nodeId: string;
  /** Nobody else uses the database: whatever it says of other nodes means this one. */
  readonly isAlone: boolean;
  /** The disks that are here; undefined for a process that has none. */
  readonly here: OpenDisks | undefined;
  readonly calls: NodeCalls;
}

const freezeMethod = 'freeze-disk';

/**
 * What disks hold, wherever they are: each is at one node, from the moment on when somebody is first to open it. What is
 * frozen is at the disk's node, and the operation that stores it is run there.
 */
export function createPlacedDisks({ db, nodeId, isAlone, here, calls }: PlacedDisksOptions): DiskContents {
  /** Names of what is frozen are each node's own. */
  const isOurs = (frozen: Pick<FrozenDisk, 'nodeId'>) => isAlone || frozen.nodeId === nodeId || frozen.nodeId === '';
  return {
    async freeze({ id: diskId }) {
      const place = await findDiskPlace(db.read, diskId);
      if (place === undefined) return undefined;
      // Metadata out of a backup may know no place of a disk that has one: whoever has its overlay knows better.
      if (here !== undefined && (place.nodeId === nodeId || place.nodeId === '')) {
        const id = await here.freeze({ id: diskId });
        return id === undefined ? undefined : frozenHere(here, id);
      }
      if (place.nodeId === '' || !place.hasOverlay) return undefined;
      const answer = await calls.askForNow(place.nodeId, freezeMethod, { diskId });
      if (answer.value !== null) {
        const { take, giveBack } = answer;
        return { id: frozenIdOf(answer.value), nodeId: place.nodeId, take, giveBack };
      }
      await answer.giveBack();
      return undefined;
    },
    async openFrozen(content) {
      if (here !== undefined && isOurs(content)) return await here.openFrozen(content);
      const fact = `What was frozen of disk "${content.diskId}" was at node "${content.nodeId}"`;
      throw dataLoss(`${fact}, which was removed as lost`);
    },
    async release(frozen, stored) {
      // The node that has it is told of the end, too.
      if (here !== undefined && isOurs(frozen)) await here.release(frozen.frozenId, stored);
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
