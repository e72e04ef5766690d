import { findDisk } from '../disks/disk-rows.ts';
import type { OpenDisks } from '../disks/open-disks.ts';
import type { BlockDevice, WritableBlockDevice } from '../formats/block-device.ts';
import { openContent } from '../resources/open-content.ts';
import type { Store } from '../volumes/store.ts';
import type { VolumeReads } from '../volumes/volume-reads.ts';
import { findHeldVolumeId } from '../volumes/volume-rows.ts';
import { type Attachment, attachedNouns, isExpired } from './attachment.ts';
import { findAttachment, findByTicket, findStillAttached, keepAttachment } from './attachment-rows.ts';
import { hashTicket } from './ticket.ts';

export interface AttachedExportsDeps {
  readonly store: Store;
  readonly cache: VolumeReads;
  readonly disks: Pick<OpenDisks, 'use'>;
  /** Of this process: attachments of other nodes are not found. */
  readonly nodeId: string;
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
  /** Each resolves when the connection has given its device back, to what failed of that. */
  readonly ended: Set<Promise<Failure | undefined>>;
}

/** What a connection wrote last may not be durable. */
interface Failure {
  readonly cause: unknown;
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
    const { store, nodeId } = this.#deps;
    const attachment = await findByTicket(store.db.read, hashTicket(ticket));
    if (attachment === undefined || attachment.nodeId !== nodeId || isExpired(attachment, store.now()))
      return undefined;
    const connections = this.#connectionsOf(attachment.id);
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    connections.ended.add(promise);
    const end = (failure?: Failure) => {
      resolve(failure);
      connections.ended.delete(promise);
      if (connections.ended.size === 0) this.#forget(attachment.id, connections);
    };
    let opened: OpenedDevice | undefined;
    try {
      // Only now, when a revocation would find this connection: one that came before has taken the row away.
      const isThere = await this.#keep(attachment);
      if (isThere && !connections.revoked.signal.aborted) opened = await this.#openDevice(attachment);
    } finally {
      if (opened === undefined) end();
    }
    if (opened === undefined) return undefined;
    const device = opened;
    return {
      ...device,
      // All connections of a disk share one overlay, and what is stored never changes.
      canMultiConn: true,
      revoked: connections.revoked.signal,
      async [Symbol.asyncDispose]() {
        try {
          await device[Symbol.asyncDispose]();
          end();
        } catch (cause) {
          end({ cause });
          throw cause;
        }
      },
    };
  }

  /** Ends the attachment's connections; returns when what they wrote is durable, and throws when it may not be. */
  async revoke(attachmentId: string): Promise<void> {
    const connections = this.#connections.get(attachmentId);
    if (connections === undefined) return;
    connections.revoked.abort();
    const ends = await Promise.all(connections.ended);
    this.#forget(attachmentId, connections);
    for (const failure of ends) if (failure !== undefined) throw failure.cause;
  }

  /** Ends the connections of attachments that are no more: whoever deleted them could not ask this node. */
  async revokeDeleted(): Promise<void> {
    const ids = [...this.#connections.keys()];
    const still = await findStillAttached(this.#deps.store.db.read, ids);
    await Promise.all(ids.filter((id) => !still.has(id)).map((id) => this.revoke(id)));
  }

  #connectionsOf(attachmentId: string): Connections {
    const connections = this.#connections.get(attachmentId) ?? { revoked: new AbortController(), ended: new Set() };
    this.#connections.set(attachmentId, connections);
    return connections;
  }

  /** Not those that came meanwhile: they are another revocation's to end. */
  #forget(attachmentId: string, connections: Connections): void {
    if (this.#connections.get(attachmentId) === connections) this.#connections.delete(attachmentId);
  }

  /** Whether the attachment is still there; it lasts from its first use on. */
  async #keep({ id, expiresAt }: Attachment): Promise<boolean> {
    const { db } = this.#deps.store;
    if (expiresAt === undefined) return (await findAttachment(db.read, id)) !== undefined;
    return await db.transact((tx) => keepAttachment(tx, id));
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
    const content = await openContent(store, { noun: attachedNouns[kind], id, volumeId });
    const device = cache.wrap(content, volumeId);
    return { readOnly: true, device, [Symbol.asyncDispose]: () => device[Symbol.asyncDispose]() };
  }
}
