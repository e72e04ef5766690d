import type { Transaction } from '../db/database.ts';
import { dedupDomainOf } from '../folders/dedup-domain.ts';
import { roundMapUp } from '../formats/rounded-map.ts';
import type { FairBudget } from '../lib/fair-budget.ts';
import type { JsonValue } from '../lib/json.ts';
import type { Commit, OperationContext } from '../operations/kind.ts';
import type { OperationInput } from '../operations/operation.ts';
import { storeInTurn } from '../resources/store-in-turn.ts';
import type { AddressPolicy } from '../sources/address-policy.ts';
import type { DigestAlgorithm } from '../sources/hash-in-order.ts';
import { openSource } from '../sources/open-source.ts';
import type { Source } from '../sources/source.ts';
import type { Uploads } from '../uploads/uploads.ts';
import { consumeUpload, findUploadedFile } from '../uploads/use-upload.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { createFileGuestReader } from '../volumes/guest-reader.ts';
import type { Store } from '../volumes/store.ts';
import { storeGuestBytes } from '../volumes/store-guest.ts';
import { type WrittenVolume, writeVolume } from '../volumes/write-volume.ts';
import type { FileForm } from '../wrappers/file-form.ts';
import { getImage } from './get-image.ts';
import { createdImageToJson } from './image-json.ts';
import { type ImportCheckpoint, readImportCheckpoint, readImportInput } from './import-checkpoint.ts';
import { explainImportFailure, SourceDigestWrong } from './import-failure.ts';
import { ImportProgress } from './import-progress.ts';
import { checkMinDiskSize } from './min-disk-size.ts';
import { keepCheckpoints, keyOf, openSourceAgain } from './resume-import.ts';
import { sealImage } from './seal-image.ts';
import type { SourceReport } from './source-report.ts';
import { spoolPath, workPath } from './spool-path.ts';

export interface ImportDeps {
  readonly store: Store;
  readonly policy: AddressPolicy;
  /** What all imports together may hold in memory. */
  readonly memory: FairBudget;
  /** Where a source that can't be read at random is copied first. */
  readonly spoolDirectory: string;
  readonly uploads: Uploads;
}

/** Besides the stripes: a format reader's tables. The largest there are, a 32 MiB L1 table of qcow2, take this much. */
const tablesBytes = 56 * 1024 * 1024;

/**
 * Makes the content of an image from a file at an address: open it, look at what it is, store it, seal it. May be run
 * again after any interruption, and goes on where the last run was durable, if the file is still the same.
 */
export async function importImage(deps: ImportDeps, context: OperationContext): Promise<Commit> {
  const { store, memory, policy } = deps;
  const { operation, signal } = context;
  const { uri, sourceSha256, sourceSha512, sourceSha1, form, roundUpToBytes } = readImportInput(operation.input);
  const checkpoint = readImportCheckpoint(operation.checkpoint);
  const progress = new ImportProgress(context.report, store.now);
  try {
    progress.enter('opening');
    await using source = await openSourceAgain(store, context, checkpoint?.source, (expected) =>
      openSource(uri, {
        policy,
        signal,
        spoolPath: spoolPath(deps, operation.id),
        findUploadedFile: (uploadId) => findUploadedFile(deps.uploads, uploadId),
        expected,
        onProgress: (bytes) => progress.received(bytes),
        onPhase: (phase, sizeBytes) => progress.followSource(phase, sizeBytes),
      }),
    );
    const expectedSha256 = sourceSha256 === '' ? source.identity.sha256 : sourceSha256;
    await checkDigest(source, 'sha256', expectedSha256, signal);
    await checkDigest(source, 'sha512', sourceSha512, signal);
    await checkDigest(source, 'sha1', sourceSha1, signal);

    const file = { source, expectedSha256, form, roundUpToBytes, checkpoint };
    const cloudId = await dedupDomainOf(store.db.read, operation.folderId);
    // Not before the server has answered and what must be copied is here: who waits for bytes holds no memory meanwhile.
    const needs = { cloudId, bytes: storeGuestBytes + tablesBytes };
    const stored = await storeInTurn(memory, context, needs, (untilWanted) =>
      storeFile(deps, { ...context, signal: untilWanted }, file, progress),
    );
    progress.enter('sealing');

    return (tx) => seal(deps, tx, operation, stored.volume, stored.report);
  } catch (error) {
    signal.throwIfAborted();
    throw explainImportFailure(error, form);
  }
}

interface SourceFile {
  readonly source: Source;
  readonly expectedSha256: string | undefined;
  readonly form: FileForm;
  readonly roundUpToBytes: number;
  /** Where an earlier run was. */
  readonly checkpoint: ImportCheckpoint | undefined;
}

/** Looks at what the file is, and stores the disk in it. */
async function storeFile(
  deps: ImportDeps,
  context: OperationContext,
  { source, expectedSha256, form, roundUpToBytes, checkpoint }: SourceFile,
  progress: ImportProgress,
): Promise<{ volume: WrittenVolume; report: SourceReport }> {
  const { store } = deps;
  const { operation, lease, signal } = context;
  // Every format and wrapper: 40 ms that a start need not wait for.
  const { openDiskFile } = await import('./open-disk-file.ts');
  await using opened = await openDiskFile(source, {
    form,
    sha256: expectedSha256,
    fileName: source.fileName,
    signal,
    workPath: workPath(deps, operation.id),
    sourceKey: keyOf(source.identity),
    onUnpacking: () => progress.enter('unpacking'),
    // A source that is far away is copied for that, and read from the copy ever after.
    makeLocal: () => source.digest('sha256', { signal }),
  });
  const { disk, report } = opened;
  const map = roundMapUp(disk.map, roundUpToBytes);
  store.log.info({ operationId: operation.id, imageId: operation.resourceId, source: report }, 'source opened');
  // What no disk of the size asked for could hold is refused before the work, not after it.
  const { minDiskSizeBytes } = await getImage(store, { imageId: operation.resourceId });
  checkMinDiskSize(minDiskSizeBytes, map.sizeBytes);
  progress.guestBytes = map.sizeBytes;
  progress.enter('importing');

  const volume = await writeVolume(store, {
    domainId: await dedupDomainOf(store.db.read, operation.folderId),
    lease,
    reader: createFileGuestReader(disk.source, map),
    signal,
    onCheckpoint: keepCheckpoints(operation, lease, source.identity, checkpoint),
    onProgress: (bytes) => progress.passed(bytes),
  });
  return { volume, report };
}

/** The end of the story: volume, image READY, upload gone and operation done become true in one transaction. */
async function seal(
  deps: Pick<ImportDeps, 'uploads'>,
  tx: Transaction,
  { id: operationId, resourceId: imageId }: OperationInput,
  volume: WrittenVolume,
  source: SourceReport,
): Promise<JsonValue> {
  try {
    await consumeUpload(deps.uploads, tx, operationId);
    const { id, sizeBytes, storedBytes, guestDigest } = await volume.commit(tx);
    const content = { volumeId: id, sizeBytes, storageSizeBytes: storedBytes, guestDigest: hexOf(guestDigest) };
    return createdImageToJson(await sealImage(tx, { imageId, ...content, source }), source);
  } catch (error) {
    throw explainImportFailure(error);
  }
}

/**
 * Holds the file against the digest that the caller or its server says it has, if either does. The file is copied whole
 * for that, and what is imported after is read from the copy.
 */
async function checkDigest(
  source: Source,
  algorithm: DigestAlgorithm,
  expected: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (expected === undefined || expected === '') return;
  const actual = await source.digest(algorithm, { signal });
  if (actual !== expected) throw new SourceDigestWrong(source.finalUrl, { algorithm, expected, actual });
}
