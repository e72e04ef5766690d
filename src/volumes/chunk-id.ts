import { hash } from 'node:crypto';

/** A SHA-256, raw: 32 bytes. */
export type ChunkId = Uint8Array;

export const chunkIdBytes = 32;

/** The name of a chunk or a manifest node: the SHA-256 of its plain bytes. */
export function chunkIdOf(plain: Uint8Array): ChunkId {
  return hash('sha256', plain, 'buffer');
}

/** A chunk id as the key of a Map: JavaScript compares arrays by identity. */
export function chunkKey(id: ChunkId): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}

export function chunkIdFromKey(key: string): ChunkId {
  return Buffer.from(key, 'latin1');
}

/** An id or a digest for people, messages and JSON. */
export function hexOf(id: ChunkId): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
}
