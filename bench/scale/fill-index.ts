import { hash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import type { Database, Transaction } from '../../src/db/database.ts';
import { describeDataDirectory } from '../../src/installation/data-directory.ts';
import { newBlobName, newId } from '../../src/lib/ids.ts';
import { hexOf } from '../../src/volumes/chunk-id.ts';
import { insertChunks } from '../../src/volumes/chunk-rows.ts';
import { digestGuest } from '../../src/volumes/guest-digest.ts';
import {
  encodeList,
  encodeRoot,
  encodeSegment,
  type ManifestSegment,
  segmentBytes,
} from '../../src/volumes/manifest.ts';
import { insertEdges, insertSegmentPacks } from '../../src/volumes/manifest-rows.ts';
import { encodePackEnd, encodePackHeader, type PackEntry, packHeaderBytes } from '../../src/volumes/pack-format.ts';
import type { EncodedChunk } from '../../src/volumes/pack-writer.ts';
import { encodeNode } from '../../src/volumes/store-guest.ts';
import { insertVolume } from '../../src/volumes/volume-rows.ts';
import { transactInBulk } from './bulk.ts';
import type { Installation } from './installation.ts';

/**
 * A segment of 64 MiB has about so many chunks, and a pack of 32 MiB has room for them when they compress to half: so each pack
 * here has the chunks of one segment, and its node.
 */
const chunksOfPack = 1_000;
const plainBytes = 65_536;
const encodedBytes = 32_000;
const segmentsOfVolume = 16;

/** Chunks written by one statement. */
const chunksAtOnce = 100_000;

export interface FillIndex {
  readonly domainId: string;
  readonly chunks: number;
  /** At least so many volumes; those beyond the chunks' own are the same content in other sizes. */
  readonly volumes: number;
}

/** A volume that was made, as its holders name it. */
export interface FilledVolume {
  readonly id: string;
  readonly sizeBytes: number;
  readonly guestDigest: string;
}

/**
 * Fills the index of a domain as imports of disks would, all new: chunks by the hash of their bytes, packs, manifests whose
 * nodes are real and stored, volumes. Each pack is a file with its header, its index and its nodes; where the chunks' bytes would
 * be it has a hole, so whatever reads chunks finds them damaged. Chunks stand in the order of their ids here, in which no import
 * brings them: their tree is denser than one that imports filled.
 */
export async function fillIndex(
  installation: Installation,
  db: Database,
  { domainId, chunks, volumes }: FillIndex,
): Promise<FilledVolume[]> {
  const packIds = Array.from({ length: Math.ceil(chunks / chunksOfPack) }, newBlobName).sort();
  const fill = new IndexFill({ installation, db, domainId, packIds });
  await fill.packs();
  await fill.chunks(packIds.length * chunksOfPack);
  return fill.volumes(volumes);
}

interface FillContext {
  readonly installation: Installation;
  readonly db: Database;
  readonly domainId: string;
  readonly packIds: readonly string[];
}

class IndexFill {
  readonly #context: FillContext;

  constructor(context: FillContext) {
    this.#context = context;
  }

  /** Rows of packs as they are once they were measured: all of each is needed. */
  async packs(): Promise<void> {
    const { db, domainId, packIds } = this.#context;
    const size = 0; // until the pack is written
    for (let start = 0; start < packIds.length; start += 1_000) {
      const rows = packIds.slice(start, start + 1_000).map((id) => ({
        id,
        domain_id: domainId,
        state: 'live' as const,
        size,
        operation_id: 'fd8bench000000000000',
        lease_epoch: 1,
        created_at: Date.now(),
        was_sealed: 1,
        condemned_at: null,
        live_bytes: size,
      }));
      await transactInBulk(db, async (tx) => void (await tx.insertInto('packs').values(rows).execute()));
    }
  }

  /** Chunk `n` is the one with the n-th id; pack `p` has every p-th of them. */
  async chunks(count: number): Promise<void> {
    const { db, domainId, packIds } = this.#context;
    const step = 2n ** 64n / BigInt(count);
    await transactInBulk(db, async (tx) => {
      // Made anew behind the rows: sorted, and not one place after the other all over it.
      await sql`drop index chunks_by_pack`.execute(tx);
      await sql`create table bench_packs (number integer primary key, id text not null)`.execute(tx);
      for (let start = 0; start < packIds.length; start += 1_000) {
        const rows = packIds.slice(start, start + 1_000).map((id, at) => sql`(${sql.lit(start + at)}, ${id})`);
        await sql`insert into bench_packs (number, id) values ${sql.join(rows)}`.execute(tx);
      }
    });
    for (let first = 0; first < count; first += chunksAtOnce) {
      const ids = Buffer.alloc(Math.min(chunksAtOnce, count - first) * 32);
      for (let at = 0; at < ids.length / 32; at += 1) ids.set(chunkId(first + at, step), at * 32);
      await transactInBulk(db, (tx) => insertSlice(tx, db, { domainId, first, ids, packCount: packIds.length }));
    }
    await transactInBulk(db, async (tx) => {
      await sql`drop table bench_packs`.execute(tx);
      await sql`create index chunks_by_pack on chunks (pack_id)`.execute(tx);
    });
  }

  async volumes(wanted: number): Promise<FilledVolume[]> {
    const { packIds } = this.#context;
    const bases = Math.ceil(packIds.length / segmentsOfVolume);
    const filled: FilledVolume[] = [];
    for (let base = 0; base < bases; base += 1) {
      const sizes = Math.max(1, Math.ceil((wanted - filled.length) / (bases - base)));
      const packs = packIds.slice(base * segmentsOfVolume, (base + 1) * segmentsOfVolume);
      filled.push(...(await this.#writeVolumes(base * segmentsOfVolume, packs, sizes)));
    }
    return filled;
  }

  /** One list of segments, and a root over it for each size. */
  async #writeVolumes(firstPack: number, packIds: readonly string[], sizes: number): Promise<FilledVolume[]> {
    const { db, domainId } = this.#context;
    const segments = packIds.map((packId, index) => ({ packId, index, ...this.#segment(firstPack + index) }));
    const children: ManifestSegment[] = segments.map(({ index, node }) => {
      return { index, id: node.id, digest: hash('sha256', node.id, 'buffer') };
    });
    const list = encodeNode(encodeList(children));
    const digests = new Map(children.map(({ index, digest }) => [index, digest]));
    const roots = Array.from({ length: sizes }, (_, at) => {
      const sizeBytes = packIds.length * segmentBytes - at * 4096;
      const guestDigest = digestGuest(sizeBytes, digests);
      return {
        sizeBytes,
        guestDigest,
        node: encodeNode(encodeRoot({ sizeBytes, guestDigest, lists: [{ index: 0, id: list.id }] })),
      };
    });
    const last = packIds.at(-1) ?? '';
    const written: { packId: string; sizeBytes: number; entries: readonly PackEntry[] }[] = [];
    for (const { packId, node, chunks } of segments) {
      const nodes = packId === last ? [node, list, ...roots.map((root) => root.node)] : [node];
      written.push({ packId, ...(await this.#writePack(packId, chunks, nodes)) });
    }
    const storedBytes = segments.reduce(
      (sum, { node }) => sum + node.bytes.byteLength + chunksOfPack * encodedBytes,
      0,
    );
    const volumes = roots.map(({ sizeBytes, guestDigest, node }) => {
      return { id: newId('vol'), domainId, sizeBytes, rootId: node.id, storedBytes, guestDigest };
    });
    await transactInBulk(db, async (tx) => {
      for (const { packId, sizeBytes, entries } of written) {
        await tx
          .updateTable('packs')
          .set({ size: sizeBytes, live_bytes: sizeBytes })
          .where('id', '=', packId)
          .execute();
        await insertChunks(tx, domainId, packId, entries);
      }
      for (const { node, packId } of segments) await insertSegmentPacks(tx, domainId, node.id, [packId]);
      await insertSegmentPacks(tx, domainId, list.id, [last]);
      await insertEdges(
        tx,
        domainId,
        list.id,
        children.map(({ id }) => id),
      );
      for (const volume of volumes) {
        await insertSegmentPacks(tx, domainId, volume.rootId, [last]);
        await insertEdges(tx, domainId, volume.rootId, [list.id]);
        await insertVolume(tx, volume, Date.now());
      }
    });
    return volumes.map(({ id, sizeBytes, guestDigest }) => ({
      id,
      sizeBytes,
      guestDigest: hexOf(guestDigest),
    }));
  }

  /** The chunks of a pack, and the node of the segment that they are. */
  #segment(pack: number) {
    const { packIds } = this.#context;
    const step = 2n ** 64n / BigInt(packIds.length * chunksOfPack);
    const chunks = Array.from({ length: chunksOfPack }, (_, at) => chunkId(at * packIds.length + pack, step));
    const extents = chunks.map((id, at) => ({
      offset: at * plainBytes,
      length: plainBytes,
      chunkId: id,
      chunkOffset: 0,
    }));
    return { chunks, node: encodeNode(encodeSegment(extents)) };
  }

  /** Returns the entries of the nodes alone: those of the chunks are in the index. */
  async #writePack(packId: string, chunks: readonly Buffer[], nodes: readonly EncodedChunk[]) {
    const { installation, domainId } = this.#context;
    const path = join(describeDataDirectory(installation.dataDirectory).packs, packId.slice(-2), packId);
    await mkdir(dirname(path), { recursive: true });
    const common = { plainLength: plainBytes, encodedLength: encodedBytes, encoding: 'zstd', crc: 0 } as const;
    const entries: PackEntry[] = chunks.map((id, at) => {
      return { id, kind: 'chunk', offset: packHeaderBytes + at * encodedBytes, ...common };
    });
    const nodesOffset = packHeaderBytes + chunks.length * encodedBytes;
    let offset = nodesOffset;
    const nodeEntries: PackEntry[] = [];
    for (const { bytes, ...node } of nodes) {
      nodeEntries.push({ ...node, offset, encodedLength: bytes.byteLength });
      offset += bytes.byteLength;
    }
    await using file = await open(path, 'w');
    await file.write(encodePackHeader(domainId), 0, packHeaderBytes, 0);
    const end = encodePackEnd([...entries, ...nodeEntries], offset);
    await file.writev([...nodes.map(({ bytes }) => bytes), end], nodesOffset);
    return { sizeBytes: offset + end.byteLength, entries: nodeEntries };
  }
}

/** The n-th id: they stand at equal distances, as hashes do nearly. */
function chunkId(number: number, step: bigint): Buffer {
  const id = hash('sha256', `chunk ${number}`, 'buffer');
  id.writeBigUInt64BE(BigInt(number) * step);
  return id;
}

async function insertSlice(
  tx: Transaction,
  { dialect }: Database,
  slice: { readonly domainId: string; readonly first: number; readonly ids: Buffer; readonly packCount: number },
): Promise<void> {
  const number = sql`(n.k + ${sql.lit(slice.first)})`;
  const packCount = sql.lit(slice.packCount);
  const bytes = sql.raw(dialect === 'sqlite' ? 'blob' : 'bytea');
  await sql`
    insert into chunks
      (domain_id, id, kind, pack_id, pack_offset, encoded_length, plain_length, encoding, quarantined)
    with recursive n (k) as (select 0 union all select k + 1 from n where k + 1 < ${sql.lit(slice.ids.length / 32)})
    select cast(${slice.domainId} as text), substr(cast(${slice.ids} as ${bytes}), 1 + 32 * n.k, 32), 'chunk', p.id,
      ${sql.lit(packHeaderBytes)} + ${number} / ${packCount} * ${sql.lit(encodedBytes)},
      ${sql.lit(encodedBytes)}, ${sql.lit(plainBytes)}, 'zstd', 0
    from n cross join bench_packs p where p.number = ${number} % ${packCount}
    order by n.k
  `.execute(tx);
}
