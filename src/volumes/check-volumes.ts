import { LruMap } from '../lib/lru-map.ts';
import type { CheckOptions } from './check-packs.ts';
import { type ChunkId, chunkKey, hexOf } from './chunk-id.ts';
import { slices } from './chunk-rows.ts';
import { type Finding, type FindingName, lookTwice, remedies } from './finding.ts';
import { digestGuest } from './guest-digest.ts';
import { decodeList, decodeRoot, decodeSegment, listSegments, type ManifestExtent } from './manifest.ts';
import { readNode } from './manifest-reader.ts';
import { isUnreadable } from './pack-use.ts';
import type { Store } from './store.ts';
import { findVolume, type Volume } from './volume-rows.ts';

/**
 * Segments that were found whole, by domain and id, and their stored bytes: volumes share them. Those found lately, in some 40 MB; one
 * that is forgotten is looked at again.
 */
type SoundSegments = LruMap<string, number>;
const soundSegmentsMax = 200_000;

/**
 * Walks every volume's manifest from its root to its chunks, and derives again what the database says of it. Chunks
 * themselves are looked up, not read: that is what scrubbing is for.
 */
export async function* checkVolumes(store: Store, { signal, onChecked }: CheckOptions = {}): AsyncIterable<Finding> {
  const sound: SoundSegments = new LruMap(soundSegmentsMax);
  let last = '';
  for (;;) {
    const rows = await store.db.read
      .selectFrom('volumes')
      .select('id')
      .where('id', '>', last)
      .orderBy('id')
      .limit(100)
      .execute();
    for (const { id } of rows) {
      signal?.throwIfAborted();
      yield* await lookTwice(async () => {
        const volume = await findVolume(store.db.read, id);
        return volume === undefined ? [] : new VolumeCheck(store, volume, sound, signal).run();
      });
      onChecked?.(0);
      last = id;
    }
    if (rows.length === 0) return;
  }
}

class VolumeCheck {
  readonly #store: Store;
  readonly #volume: Volume;
  readonly #sound: SoundSegments;
  readonly #signal: AbortSignal | undefined;
  readonly #findings: Finding[] = [];

  constructor(store: Store, volume: Volume, sound: SoundSegments, signal: AbortSignal | undefined) {
    this.#store = store;
    this.#volume = volume;
    this.#sound = sound;
    this.#signal = signal;
  }

  async run(): Promise<readonly Finding[]> {
    const { domainId, rootId } = this.#volume;
    try {
      const root = decodeRoot(await readNode(this.#store, domainId, rootId));
      await this.#checkNeeds(rootId, []);
      await this.#checkEdges(
        rootId,
        root.lists.map(({ id }) => id),
      );
      const digests = new Map<number, Uint8Array>();
      let storedBytes = 0;
      for (const list of root.lists) {
        const segments = decodeList(await readNode(this.#store, domainId, list.id));
        await this.#checkNeeds(list.id, []);
        await this.#checkEdges(
          list.id,
          segments.map(({ id }) => id),
        );
        for (const { index, id, digest } of segments) {
          this.#signal?.throwIfAborted();
          digests.set(list.index * listSegments + index, digest);
          storedBytes += await this.#checkSegment(id);
        }
      }
      this.#checkNumbers(root, digests, storedBytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#find('volume-unreadable', `its manifest cannot be read: ${error.message}`, remedies.importAgain);
    }
    return this.#findings;
  }

  #checkNumbers(
    root: { readonly sizeBytes: number; readonly guestDigest: Uint8Array },
    digests: ReadonlyMap<number, Uint8Array>,
    storedBytes: number,
  ): void {
    const volume = this.#volume;
    if (root.sizeBytes !== volume.sizeBytes) {
      const fact = `its manifest has ${root.sizeBytes} bytes, its row ${volume.sizeBytes}`;
      this.#find('volume-size', fact, remedies.rebuild);
    }
    const derived = digestGuest(root.sizeBytes, digests);
    const known = [derived, root.guestDigest, volume.guestDigest].map(hexOf);
    if (new Set(known).size > 1) {
      const fact = `the guest digest is ${known[0]} by its segments, ${known[1]} by its root, ${known[2]} by its row`;
      this.#find('volume-digest', fact, remedies.rebuild);
    }
    // A chunk that was healed may be encoded in other bytes than it was: only a figure for people is wrong then.
    if (this.#findings.length === 0 && storedBytes !== volume.storedBytes) {
      const fact = `it needs ${storedBytes} stored bytes, its row says ${volume.storedBytes}`;
      this.#find('volume-stored-bytes', fact, remedies.rebuild, 'warning');
    }
  }

  /** Returns the bytes that the segment's chunks and its node take. */
  async #checkSegment(nodeId: ChunkId): Promise<number> {
    const key = `${this.#volume.domainId} ${chunkKey(nodeId)}`;
    const known = this.#sound.get(key);
    if (known !== undefined) return known;
    const before = this.#findings.length;
    let storedBytes = 0;
    try {
      const extents = decodeSegment(await readNode(this.#store, this.#volume.domainId, nodeId));
      storedBytes = await this.#checkNeeds(nodeId, extents);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const fact = `segment ${hexOf(nodeId)} cannot be read: ${error.message}`;
      this.#find('segment-unreadable', fact, remedies.importAgain);
    }
    if (this.#findings.length === before) this.#sound.set(key, storedBytes);
    return storedBytes;
  }

  /** A node's chunks are in the index and good, and the packs of all of them are noted as needed by it. */
  async #checkNeeds(nodeId: ChunkId, extents: readonly ManifestExtent[]): Promise<number> {
    const wanted = new Map(extents.map((extent) => [chunkKey(extent.chunkId), extent.chunkId]));
    const chunks = await this.#findRows('chunk', [...wanted.values()]);
    const nodes = await this.#findRows('node', [nodeId]);
    const places = [...chunks.values(), ...nodes.values()];
    const missing = [...wanted.keys()].filter((key) => !chunks.has(key));
    const segment = `segment ${hexOf(nodeId)}`;
    if (missing.length > 0) {
      const fact = `${missing.length} of ${wanted.size} chunks of ${segment} are not in the index`;
      this.#find('chunks-missing', fact, remedies.rebuild);
    }
    const quarantined = places.filter((place) => place.quarantined === 1).length;
    if (quarantined > 0) {
      const fact = `${quarantined} of ${wanted.size} chunks of ${segment} are quarantined: their stored copy is damaged`;
      this.#find('chunks-quarantined', fact, remedies.importAgain);
    }
    const isShort = ({ chunkId, chunkOffset, length }: ManifestExtent) =>
      chunkOffset + length > (chunks.get(chunkKey(chunkId))?.plain_length ?? Number.POSITIVE_INFINITY);
    if (extents.some(isShort)) {
      this.#find('chunk-too-short', `an extent of ${segment} is longer than its chunk`, remedies.rebuild);
    }
    await this.#checkSegmentPacks(nodeId, new Set(places.map(({ pack_id }) => pack_id)));
    return places.reduce((sum, { encoded_length }) => sum + encoded_length, 0);
  }

  async #checkSegmentPacks(nodeId: ChunkId, needed: ReadonlySet<string>): Promise<void> {
    const rows = await this.#store.db.read
      .selectFrom('segment_packs')
      .select('pack_id')
      .where('domain_id', '=', this.#volume.domainId)
      .where('node_id', '=', nodeId)
      .execute();
    const lacking = needed.difference(new Set(rows.map(({ pack_id }) => pack_id)));
    if (lacking.size === 0) return;
    const fact = `node ${hexOf(nodeId)} needs ${[...lacking].join(', ')}, and nothing says so: a collection could delete it`;
    this.#find('segment-packs', fact, remedies.rebuild);
  }

  async #checkEdges(parentId: ChunkId, children: readonly ChunkId[]): Promise<void> {
    const rows = await this.#store.db.read
      .selectFrom('manifest_edges')
      .select('child_id')
      .where('domain_id', '=', this.#volume.domainId)
      .where('parent_id', '=', parentId)
      .execute();
    const known = new Set(rows.map(({ child_id }) => chunkKey(child_id)));
    const lacking = children.filter((id) => !known.has(chunkKey(id)));
    if (lacking.length === 0) return;
    const fact = `${lacking.length} children of node ${hexOf(parentId)} are not written down: a collection could delete them`;
    this.#find('manifest-edges', fact, remedies.rebuild);
  }

  async #findRows(kind: 'chunk' | 'node', ids: readonly ChunkId[]) {
    const found = new Map<
      string,
      { pack_id: string; encoded_length: number; plain_length: number; quarantined: number }
    >();
    for (const some of slices(ids, 500)) {
      const rows = await this.#store.db.read
        .selectFrom('chunks')
        .select(['id', 'pack_id', 'encoded_length', 'plain_length', 'quarantined'])
        .where('domain_id', '=', this.#volume.domainId)
        .where('kind', '=', kind)
        .where('id', 'in', some)
        .execute();
      for (const row of rows) found.set(chunkKey(row.id), row);
    }
    return found;
  }

  #find(what: FindingName, fact: string, remedy: string, severity: Finding['severity'] = 'error'): void {
    this.#findings.push({ severity, what, id: this.#volume.id, fact, remedy });
  }
}
