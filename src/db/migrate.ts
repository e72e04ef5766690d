import { type Kysely, type Migration, Migrator } from 'kysely';
import type { DialectName } from './database.ts';
import { createInitialTables } from './migrations/0001-initial.ts';
import { createUploadTables } from './migrations/0002-uploads.ts';
import { addLiveBytes } from './migrations/0003-live-bytes.ts';
import { createImageSources } from './migrations/0004-image-sources.ts';
import { createDiskTables } from './migrations/0005-disks.ts';
import { createAttachments } from './migrations/0006-attachments.ts';
import { createIdentities } from './migrations/0007-identities.ts';
import { createAccessBindings } from './migrations/0008-access-bindings.ts';
import { indexPooledImages } from './migrations/0011-pooled-images.ts';
import { createAudit } from './migrations/0012-audit.ts';
import { createQuotas } from './migrations/0012-quotas.ts';
import { addFacts } from './migrations/0013-facts.ts';
import { addNumbers } from './migrations/0013-numbers.ts';
import { createBuckets } from './migrations/0014-buckets.ts';
import { createTurns } from './migrations/0015-turns.ts';
import { countTenancy } from './migrations/0016-tenancy-quotas.ts';
import { createTokenCutoffs } from './migrations/0017-token-cutoffs.ts';
import { createLooseNodes } from './migrations/0018-loose-nodes.ts';
import { addOperationKeys } from './migrations/0019-operation-keys.ts';
import { createUploadPieces } from './migrations/0021-upload-pieces.ts';
import { addCollectedRows } from './migrations/0022-scale.ts';
import { createAccessKeys } from './migrations/0023-access-keys.ts';
import { createObjectParts } from './migrations/0023-object-parts.ts';
import { countRenewals } from './migrations/0024-lease-renewals.ts';
import { createNotices } from './migrations/0024-notices.ts';
import { createSharedSecrets } from './migrations/0025-shared-secrets.ts';
import { createNodes } from './migrations/0026-nodes.ts';
import { createCallNotices } from './migrations/0027-call-notices.ts';
import { countQuarantines } from './migrations/0028-times-quarantined.ts';
import type { Schema } from './schema.ts';

/** Every change of the tables, oldest first; a released one is never edited. */
function migrations(dialect: DialectName): Record<string, Migration> {
  return {
    '0001-initial': { up: (db: Kysely<unknown>) => createInitialTables(db, dialect) },
    '0002-uploads': { up: (db: Kysely<unknown>) => createUploadTables(db, dialect) },
    '0003-live-bytes': { up: addLiveBytes },
    '0004-image-sources': { up: (db: Kysely<unknown>) => createImageSources(db, dialect) },
    '0005-disks': { up: (db: Kysely<unknown>) => createDiskTables(db, dialect) },
    '0006-attachments': { up: (db: Kysely<unknown>) => createAttachments(db, dialect) },
    '0007-identities': { up: (db: Kysely<unknown>) => createIdentities(db, dialect) },
    '0008-access-bindings': { up: (db: Kysely<unknown>) => createAccessBindings(db, dialect) },
    '0011-pooled-images': { up: indexPooledImages },
    '0012-quotas-audit': {
      async up(db: Kysely<unknown>) {
        await createQuotas(db, dialect);
        await createAudit(db, dialect);
      },
    },
    '0013-numbers-facts': {
      async up(db: Kysely<unknown>) {
        await addNumbers(db, dialect);
        await addFacts(db, dialect);
      },
    },
    '0014-buckets': { up: (db: Kysely<unknown>) => createBuckets(db, dialect) },
    '0015-turns': { up: (db: Kysely<unknown>) => createTurns(db, dialect) },
    '0016-tenancy-quotas': { up: (db: Kysely<unknown>) => countTenancy(db, dialect) },
    '0017-token-cutoffs': { up: (db: Kysely<unknown>) => createTokenCutoffs(db, dialect) },
    '0018-loose-nodes': { up: (db: Kysely<unknown>) => createLooseNodes(db, dialect) },
    '0019-operation-keys': { up: (db: Kysely<unknown>) => addOperationKeys(db, dialect) },
    '0021-upload-pieces': { up: (db: Kysely<unknown>) => createUploadPieces(db, dialect) },
    '0022-scale': { up: (db: Kysely<unknown>) => addCollectedRows(db, dialect) },
    '0023-access-keys-object-parts': {
      async up(db: Kysely<unknown>) {
        await createAccessKeys(db, dialect);
        await createObjectParts(db, dialect);
      },
    },
    '0024-lease-renewals': { up: countRenewals },
    '0024-notices': { up: (db: Kysely<unknown>) => createNotices(db, dialect) },
    '0025-shared-secrets': { up: (db: Kysely<unknown>) => createSharedSecrets(db, dialect) },
    '0026-nodes': { up: (db: Kysely<unknown>) => createNodes(db, dialect) },
    '0027-call-notices': { up: (db: Kysely<unknown>) => createCallNotices(db, dialect) },
    '0028-times-quarantined': { up: countQuarantines },
  };
}

/** Brings the tables up to date, all in one transaction. May be called at every start. */
export async function migrate(db: Kysely<Schema>, dialect: DialectName): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations(dialect) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
