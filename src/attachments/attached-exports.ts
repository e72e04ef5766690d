import { findDisk } from '../disks/disk-rows.ts';
import type { OpenDisks } from '../disks/open-disks.ts';
import type { BlockDevice, WritableBlockDevice } from '../formats/block-device.ts';
import { openContent } from '../resources/open-content.ts';
import type { ReadCache } from '../volumes/read-cache.ts';
import type { Store } from '../volumes/store.ts';
import { findHeldVolumeId } from '../volumes/volume-rows.ts';
import { type Attachment, isExpired } from './attachment.ts';
import { findByTicket, keepAttachment } from './attachment-rows.ts';
import { hashTicket } from './ticket.ts';

export interface AttachedExportsDeps {
  readonly store: Store;
  readonly cache: ReadCache;
  readonly disks: OpenDisks;
}

/** What one connection may use; dispose it when the connection has ended. */
export type AttachedDevice = AsyncDisposable & {
  readonly canMultiConn: true;
  /** Aborted when the attachment is deleted. */
  readonly revoked: AbortSignal;
} & OpenedDevice;

type OpenedDevice = AsyncDisposable &
  (
    | { readonly readOnly: true; readonly device: BlockDevice }
    | { readonly readOnly: false; readonly device: WritableBlockDevice }
  );

/** The connections of one attachment. */
interface Connections {
  readonly revoked: AbortController;
  readonly ended: Set<Promise<void>>;
}

/** Finds what a ticket is for, and knows who uses it. */
export class AttachedExports {
  readonly #deps: AttachedExportsDeps;
  readonly #connections = new Map<string, Connections>();

  constructor(deps: AttachedExportsDeps) {
    this.#deps = deps;
  }

  /** For the NBD server: whoever has the ticket has the device. The first use makes the attachment last. */
  async find(ticket: string): Promise<AttachedDevice | undefined> {
    const { store } = this.#deps;
    const attachment = await findByTicket(store.db.read, hashTicket(ticket));
    if (attachment === undefined || isExpired(attachment, store.now())) return undefined;
    if (attachment.expiresAt !== undefined) {
      const isThere = await store.db.transact((tx) => keepAttachment(tx, attachment.id));
      if (!isThere) return undefined;
    }
    return await this.#open(attachment);
  }

  /** Ends the attachment's connections; returns when what they wrote is durable. */
  async revoke(attachmentId: string): Promise<void> {
    const connections = this.#connections.get(attachmentId);
    if (connections === undefined) return;
    connections.revoked.abort();
    await Promise.all(connections.ended);
    this.#connections.delete(attachmentId);
  }

  async #open(attachment: Attachment): Promise<AttachedDevice | undefined> {
    const connections = this.#connections.get(attachment.id) ?? { revoked: new AbortController(), ended: new Set() };
    this.#connections.set(attachment.id, connections);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    connections.ended.add(ended);
    const end = () => {
      resolve();
      connections.ended.delete(ended);
    };
    try {
      const opened = connections.revoked.signal.aborted ? undefined : await this.#openDevice(attachment);
      if (opened === undefined) {
        end();
        return undefined;
      }
      return {
        ...opened,
        // All connections of a disk share one overlay, and what is stored never changes.
        canMultiConn: true,
        revoked: connections.revoked.signal,
        async [Symbol.asyncDispose]() {
          try {
            await opened[Symbol.asyncDispose]();
          } finally {
            end();
          }
        },
      };
    } catch (error) {
      end();
      throw error;
    }
  }

  async #openDevice({ id: attachmentId, resource: { kind, id }, mode }: Attachment): Promise<OpenedDevice | undefined> {
    const { store, cache, disks } = this.#deps;
    if (kind === 'disk') {
      const disk = await findDisk(store.db.read, id);
      if (disk === undefined) return undefined;
      const used = await disks.use(disk);
      const dispose = () => used[Symbol.asyncDispose]();
      return mode === 'read-write'
        ? { readOnly: false, device: used.device, [Symbol.asyncDispose]: dispose }
        : { readOnly: true, device: used.device, [Symbol.asyncDispose]: dispose };
    }
    // The attachment's own hold: the image or the snapshot may be deleted by now.
    const volumeId = await findHeldVolumeId(store.db.read, attachmentId);
    if (volumeId === undefined) return undefined;
    const noun = kind === 'image' ? 'Image' : 'Snapshot';
    const device = cache.wrap(await openContent(store, { noun, id, volumeId }), volumeId);
    return { readOnly: true, device, [Symbol.asyncDispose]: () => device[Symbol.asyncDispose]() };
  }
}
