import type { Generated } from 'kysely';

/**
 * The tables, as SQL sees them. Rules that hold in both databases:
 * times are milliseconds since 1970 in a 64-bit integer; flags are 0 or 1; JSON is text; digests are 32 raw bytes;
 * an absent string is '' rather than null where the API has no difference between the two.
 */
export interface Schema {
  settings: SettingsTable;
  shared_secrets: SharedSecretsTable;
  nodes: NodesTable;
  node_calls: NodeCallsTable;
  clouds: CloudsTable;
  folders: FoldersTable;
  service_accounts: ServiceAccountsTable;
  service_account_keys: ServiceAccountKeysTable;
  access_keys: AccessKeysTable;
  revoked_tokens: RevokedTokensTable;
  token_cutoffs: TokenCutoffsTable;
  access_bindings: AccessBindingsTable;
  operations: OperationsTable;
  operation_turns: OperationTurnsTable;
  idempotency_keys: IdempotencyKeysTable;
  images: ImagesTable;
  image_labels: ImageLabelsTable;
  image_sources: ImageSourcesTable;
  image_initial_states: ImageInitialStatesTable;
  disks: DisksTable;
  disk_labels: DiskLabelsTable;
  snapshots: SnapshotsTable;
  snapshot_labels: SnapshotLabelsTable;
  packs: PacksTable;
  chunks: ChunksTable;
  pack_pins: PackPinsTable;
  segment_packs: SegmentPacksTable;
  manifest_edges: ManifestEdgesTable;
  loose_nodes: LooseNodesTable;
  import_segments: ImportSegmentsTable;
  volumes: VolumesTable;
  volume_references: VolumeReferencesTable;
  loose_volumes: LooseVolumesTable;
  attachments: AttachmentsTable;
  uploads: UploadsTable;
  upload_pieces: UploadPiecesTable;
  upload_readers: UploadReadersTable;
  buckets: BucketsTable;
  objects: ObjectsTable;
  object_parts: ObjectPartsTable;
  quota_defaults: QuotaDefaultsTable;
  quota_limits: QuotaLimitsTable;
  quota_usage: QuotaUsageTable;
  audit_records: AuditRecordsTable;
}

/** Facts about this installation, by name. */
export interface SettingsTable {
  name: string;
  value: string;
}

/** What all processes of an installation have to agree on, and nobody else may know. */
export interface SharedSecretsTable {
  name: string;
  value: string;
}

/** The processes of the installation; see nodes/node.ts. */
export interface NodesTable {
  id: string;
  /** With commas between them. */
  roles: string;
  nbd_url: string;
  started_at: number;
  /** By the database's clock; 0 for one that was stopped. */
  seen_at: number;
  /** Of its process: a copy of a data directory is another process of the same node. */
  start_id: string;
  /** 1 for one that was given up for lost; it may come back, with what is nobody's any more. */
  is_removed: Generated<number>;
}

/**
 * What nodes ask of each other. asked: it is to be answered. answered, failed: who asked is to look. unwanted: what the answer
 * says is to be undone. Whoever ends a call deletes it.
 */
export interface NodeCallsTable {
  id: string;
  /** Who is asked. */
  node_id: string;
  method: string;
  /** As JSON, and so is the answer; a StoredError of one that failed. */
  input: string;
  state: 'asked' | 'answered' | 'failed' | 'unwanted';
  answer: string | null;
  /** By the database's clock. */
  created_at: number;
}

export interface CloudsTable {
  id: string;
  name: string;
  description: string;
  labels: string;
  organization_id: string;
  created_at: number;
}

export interface FoldersTable {
  id: string;
  cloud_id: string;
  name: string;
  description: string;
  labels: string;
  status: 'ACTIVE' | 'DELETING' | 'PENDING_DELETION';
  created_at: number;
}

export interface ServiceAccountsTable {
  id: string;
  folder_id: string;
  name: string;
  description: Generated<string>;
  labels: Generated<string>;
  created_at: number;
}

/** Authorized keys: the public half only. */
export interface ServiceAccountKeysTable {
  id: string;
  service_account_id: string;
  algorithm: string;
  public_key_pem: string;
  description: Generated<string>;
  created_at: number;
}

/** What requests to the object store are signed with; the secrets are in no table. */
export interface AccessKeysTable {
  id: string;
  service_account_id: string;
  /** What clients call the key. */
  key_id: string;
  description: string;
  created_at: number;
}

/** Bearer tokens that were ended before their time. */
export interface RevokedTokensTable {
  /** What the token's claims are named by: see access/token-claims.ts. */
  id: string;
  /** When the token would have ended, and the row may go; null for one that would not. */
  expires_at: number | null;
}

/** Subjects whose tokens were all ended at once; those of a service account go with it. */
export interface TokenCutoffsTable {
  subject_id: string;
  /** A token or a JWT that was made then or earlier holds no more. */
  made_until: number;
}

/** Who has which role on a cloud, a folder, or what is in one; see access/roles.ts. Goes with its resource. */
export interface AccessBindingsTable {
  resource_id: string;
  role_id: string;
  subject_type: 'serviceAccount' | 'userAccount' | 'system';
  subject_id: string;
}

/** See operations/operation.ts for the states and who may move between them. */
export interface OperationsTable {
  id: string;
  kind: string;
  /** For clients that know operations by a number; unique. */
  number: string;
  folder_id: string;
  resource_id: string;
  /** Of an image, a disk or a snapshot: its name at that moment, or its id when it had none; '' for all else. */
  resource_name: string;
  /** The zone of a disk that it is on; '' for what is in no zone. */
  zone_id: string;
  description: string;
  created_by: string;
  created_at: number;
  modified_at: number;
  state: 'pending' | 'running' | 'done';
  /** What the kind needs to run it, as JSON; the kind alone reads it. */
  input: string;
  /** How far it came, as JSON, or null before the first checkpoint; the kind alone reads it. */
  checkpoint: string | null;
  /** Progress for people, as JSON; the doors show it. */
  progress: string | null;
  /** StoredError as JSON when it failed. */
  error: string | null;
  /** What it made, as JSON, when it succeeded; the door of its kind shows it. */
  result: string | null;
  /** Process that holds the lease; '' when nobody does, and what runs may be claimed at once. */
  lease_owner: string;
  /** Grows by one at each claim and at a cancel: what was begun under an older epoch can commit nothing. */
  lease_epoch: number;
  /** Grows by one whenever the lease is renewed; it is over when this stays the same for long: see operations/lease-watch.ts. */
  lease_renewals: number;
  attempts: number;
  /** What the client gave to have its request known again; '' for nothing. */
  idempotency_key: string;
  /** Not to be claimed before, by the database's time. */
  run_after: number;
  /** The cloud of the folder, by which turns are taken; '' for what was done before there were turns. */
  cloud_id: string;
  /** The node that alone can run it, because it has what it works on; '' for any. */
  node_id: string;
}

/** When an operation of a kind was last claimed for a cloud, by the database's time. Only claims ask; an old row says as much as none. */
export interface OperationTurnsTable {
  cloud_id: string;
  kind: string;
  claimed_at: number;
}

export interface IdempotencyKeysTable {
  subject_id: string;
  method: string;
  key: string;
  /** SHA-256 of the request, in hex: the key with another body is another key. */
  body_hash: string;
  operation_id: string;
  created_at: number;
}

export interface ImagesTable {
  id: string;
  folder_id: string;
  created_at: number;
  name: string;
  description: string;
  labels: string;
  family: string;
  storage_size: number;
  min_disk_size: number;
  size: number;
  product_ids: string;
  status: 'CREATING' | 'READY' | 'ERROR' | 'DELETING';
  os: string;
  pooled: number;
  hardware_generation: string;
  guest_digest: string;
  volume_id: string | null;
  /** For clients that know images by a number; unique. */
  number: string;
  /** What is said of the guest, as JSON. */
  guest: string;
  storage_locations: string;
  /** As JSON; null when nothing was said. */
  deprecation: string | null;
  /** The state in it, for the index of families; '' when there is none. */
  deprecation_state: string;
  /** What it was made from, as JSON; null for a file, and where it is not known. */
  origin: string | null;
}

/** The labels of `images` once more, for filters. */
export interface ImageLabelsTable {
  image_id: string;
  key: string;
  value: string;
}

/** What was found in the file that an image was made from, as JSON; none where there was no file. */
export interface ImageSourcesTable {
  image_id: string;
  report: string;
}

/** What a machine begins with in its firmware, as JSON that only clients read; none for most images. */
export interface ImageInitialStatesTable {
  image_id: string;
  state: string;
}

export interface DisksTable {
  id: string;
  folder_id: string;
  created_at: number;
  name: string;
  description: string;
  labels: string;
  type_id: string;
  zone_id: string;
  size: number;
  block_size: number;
  product_ids: string;
  status: 'CREATING' | 'READY' | 'ERROR' | 'DELETING';
  /** What it was made from; '' in one of them at least. */
  source_image_id: string;
  source_snapshot_id: string;
  /** What is known of the guest's system, as JSON; null when nothing is. */
  os: string | null;
  hardware_generation: string;
  placement_policy: string;
  /** Its base: the content it began with, under what was written since; null for a disk that began blank. */
  volume_id: string | null;
  /** Of the base, in bytes; 0 without one. */
  volume_size: number;
  /** The base's guest digest, in hexadecimal digits; '' without one. */
  volume_digest: string;
  /** 1 once it was opened: then it is not only its base, and must not be read without its overlay. */
  has_overlay: Generated<number>;
  /** The node that has its overlay, or is to have it; '' as long as nobody was ever to open it. */
  node_id: Generated<string>;
  /** As the images' columns of these names. */
  number: string;
  guest: string;
  origin: string | null;
}

/** The labels of `disks` once more, for filters. */
export interface DiskLabelsTable {
  disk_id: string;
  key: string;
  value: string;
}

export interface SnapshotsTable {
  id: string;
  folder_id: string;
  created_at: number;
  name: string;
  description: string;
  labels: string;
  storage_size: number;
  disk_size: number;
  product_ids: string;
  status: 'CREATING' | 'READY' | 'ERROR' | 'DELETING';
  source_disk_id: string;
  hardware_generation: string;
  volume_id: string | null;
  guest_digest: string;
  /** As the images' columns of these names. */
  number: string;
  guest: string;
  storage_locations: string;
  origin: string | null;
}

/** The labels of `snapshots` once more, for filters. */
export interface SnapshotLabelsTable {
  snapshot_id: string;
  key: string;
  value: string;
}

/**
 * A blob of encoded chunks.
 * writing: its bytes may be arriving; nothing may refer to it. live: durable; the index refers to it.
 * condemned: nothing refers to it or will again; its blob goes after a delay.
 */
export interface PacksTable {
  id: string;
  domain_id: string;
  state: 'writing' | 'live' | 'condemned';
  size: number;
  /** The operation that writes it, and under which lease epoch. */
  operation_id: string;
  lease_epoch: number;
  created_at: number;
  /** 1 once a sealed volume referred to it: such a pack outlives its condemnation by the delay. */
  was_sealed: number;
  condemned_at: number | null;
  /**
   * The size that the pack would have with its needed entries alone, when it was last measured; null when what needs it
   * has changed since, and as long as nothing does: only such packs may be condemned.
   */
  live_bytes: number | null;
}

/** The index: where the winner of each chunk or manifest node is. */
export interface ChunksTable {
  domain_id: string;
  /** Guest bytes or a manifest node: two name spaces, so that a guest can't write bytes that pass for a node. */
  kind: 'chunk' | 'node';
  /** SHA-256 of the plain bytes. */
  id: Uint8Array;
  pack_id: string;
  /** Where its encoded bytes stand in the pack. */
  pack_offset: number;
  encoded_length: number;
  plain_length: number;
  encoding: 'plain' | 'zstd';
  /** 1 when a read found other bytes: quarantined means unknown, until an import of it heals it or a scrub finds it right. */
  quarantined: number;
  /** How often a copy was found damaged. */
  times_quarantined: Generated<number>;
}

/** Packs that an operation refers to and nothing else may yet: they can't be condemned while it holds them. */
export interface PackPinsTable {
  operation_id: string;
  pack_id: string;
}

/** Which packs a manifest node needs: its own, and for a segment those of its chunks. */
export interface SegmentPacksTable {
  domain_id: string;
  node_id: Uint8Array;
  pack_id: string;
}

/** The manifest tree above the segments: root to lists, list to segments. */
export interface ManifestEdgesTable {
  domain_id: string;
  parent_id: Uint8Array;
  child_id: Uint8Array;
}

/** Nodes that may have lost what held them; the next collection looks at each. See volumes/loose-nodes.ts. */
export interface LooseNodesTable {
  domain_id: string;
  node_id: Uint8Array;
}

/** How far an import came, per segment: the part of its checkpoint that is too big for one row. */
export interface ImportSegmentsTable {
  operation_id: string;
  /** '' in rows of earlier versions. */
  domain_id: string;
  segment_index: number;
  /** Guest bytes of the segment that are durable, from its start; always at the border of a chunk or a zero run. */
  done_bytes: number;
  /** The segment's extents so far, encoded as docs/formats/manifest.md says; null when node_id says it all. */
  extents: Uint8Array | null;
  /** The segment's node once the whole segment is durable; null before, and for a segment that is one hole. */
  node_id: Uint8Array | null;
  /** The digest of the segment's guest bytes, when it is complete and all of it was seen by one run. */
  digest: Uint8Array | null;
  /** Encoded bytes of the segment's distinct chunks as if it stood alone. */
  stored_bytes: number;
}

/** Immutable content: a size and a manifest. */
export interface VolumesTable {
  id: string;
  domain_id: string;
  size: number;
  root_id: Uint8Array;
  stored_bytes: number;
  /** The digest tree's, over the guest bytes: src/volumes/guest-digest.ts. */
  guest_digest: Uint8Array;
  /** The plain SHA-256 of the guest bytes, once somebody asked for it. */
  sha256: Uint8Array | null;
  created_at: number;
}

/** Who needs a volume: an image, a disk, a snapshot. A volume without a reference is garbage. */
export interface VolumeReferencesTable {
  holder_id: string;
  volume_id: string;
}

/** Volumes that may have lost their last reference; the next collection looks at each. */
export interface LooseVolumesTable {
  volume_id: string;
}

/** Files that clients send us; see uploads/upload.ts. */
export interface UploadsTable {
  id: string;
  folder_id: string;
  created_by: string;
  created_at: number;
  /** Of the whole file, in bytes. */
  length: number;
  /** Of its beginning that is durable. */
  durable_length: number;
  metadata: string;
  expires_at: number;
  /** The operation that imports it; '' when none does. */
  operation_id: string;
  /** 1 while `length` is only what was set aside so far. */
  grows: Generated<number>;
}

/** Bytes of uploads that are kept in a bucket; see uploads/pieces/piece.ts. */
export interface UploadPiecesTable {
  blob_name: string;
  /** One of an upload that is gone is garbage; so is one that another took the place of, which has ''. */
  upload_id: string;
  /** Its first byte, counted from the upload's. */
  start: number;
  size: number;
  /** CRC-32 of each unit, four bytes each. */
  sums: Uint8Array;
}

/** Operations that import an object's upload now: there may be several. */
export interface UploadReadersTable {
  upload_id: string;
  operation_id: string;
}

/** See buckets/bucket.ts. */
export interface BucketsTable {
  name: string;
  folder_id: string;
  created_at: number;
  location: string;
  storage_class: string;
}

/** What an upload is, or is to be, in a bucket; see buckets/stored-object.ts. Goes with its upload. */
export interface ObjectsTable {
  upload_id: string;
  bucket: string;
  name: string;
  /** 0 until all of it is there. */
  generation: number;
  /** When it was; 0 until then. */
  whole_at: number;
  content_type: string;
  /** In base64, of all bytes; '' until they are there. */
  md5: string;
  /** Likewise, big-endian. */
  crc32c: string;
  /** What else its client said of it, as JSON. */
  described: string;
  /** What must hold when it becomes whole, as JSON. */
  terms: string;
}

/** Parts of objects that are sent in parts; see buckets/object-part.ts. */
export interface ObjectPartsTable {
  /** The part's own upload. */
  upload_id: string;
  /** That of the object. */
  session_id: string;
  number: number;
  /** In base64; '' while its bytes arrive. */
  md5: string;
  /** 0 or 1. */
  is_chosen: number;
}

/** Who may use what as a block device. A row with the mode `read-write` is the lease of the disk's one writer. */
export interface AttachmentsTable {
  id: string;
  folder_id: string;
  kind: 'disk' | 'image' | 'snapshot';
  resource_id: string;
  mode: 'read-only' | 'read-write';
  /** Of the ticket, in hexadecimal digits; the ticket itself is nowhere but with its holder. */
  ticket_sha256: string;
  created_at: number;
  created_by: string;
  /** Until when it must be used for the first time; null once it was. */
  expires_at: number | null;
  /** The node whose clients may use it. */
  node_id: string;
}

/** What each cloud may use that has no limit of its own; as this process, or the one started last, is configured. */
export interface QuotaDefaultsTable {
  name: string;
  value: number;
}

/** Limits of one cloud, in the place of the defaults. */
export interface QuotaLimitsTable {
  cloud_id: string;
  name: string;
  value: number;
}

/** What a cloud uses of each quota. Triggers keep it: nothing else writes it but a recount. */
export interface QuotaUsageTable {
  cloud_id: string;
  name: string;
  used: number;
}

/** Who did what; see audit/audit-record.ts. Rows are added and, when they are old, deleted; never changed. */
export interface AuditRecordsTable {
  id: Generated<number>;
  kind: 'change' | 'outcome' | 'refusal';
  at: number;
  subject_id: string;
  method: string;
  resource_id: string;
  folder_id: string;
  cloud_id: string;
  operation_id: string;
  /** `OK`, or the name of a status code. */
  code: string;
  request_id: string;
  peer: string;
  user_agent: string;
}
