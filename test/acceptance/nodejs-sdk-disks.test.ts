import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Session, waitForOperation } from '@yandex-cloud/nodejs-sdk';
import {
  diskService,
  disk as disks,
  diskTypeService,
  imageService,
  image as images,
  snapshotService,
  snapshot as snapshots,
  zoneService,
  zone as zones,
} from '@yandex-cloud/nodejs-sdk/compute-v1';
import type { operation as operations } from '@yandex-cloud/nodejs-sdk/operation';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { twoEndedGuest } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Disks and snapshots with the unmodified SDK from npm, which knows nothing of us but an endpoint, a CA and a token. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
});
after(() => opened.disposeAsync());

function openSdk() {
  // By name: the grpc-js that the SDK uses can't check a certificate against an address.
  const endpoint = obraz.endpoint.replace('127.0.0.1', 'localhost');
  const session = new Session({ iamToken: obraz.token, ssl: { rootCerts: Buffer.from(obraz.ca) }, pollInterval: 50 });
  return {
    images: session.client(imageService.ImageServiceClient, endpoint),
    disks: session.client(diskService.DiskServiceClient, endpoint),
    snapshots: session.client(snapshotService.SnapshotServiceClient, endpoint),
    diskTypes: session.client(diskTypeService.DiskTypeServiceClient, endpoint),
    zones: session.client(zoneService.ZoneServiceClient, endpoint),
    /** The SDK's own way to wait, at our endpoint. */
    wait: (operation: operations.Operation) => waitForOperation(operation, session, 20_000, endpoint),
  };
}

/** The Any of an operation, in the SDK's own types. */
function unpack<T>(any: { typeUrl: string; value: Uint8Array } | undefined, name: string, decode: (b: Buffer) => T): T {
  assert.equal(any?.typeUrl, `type.googleapis.com/yandex.cloud.compute.v1.${name}`);
  return decode(Buffer.from(any.value));
}

const diskIn = ({ response }: operations.Operation) => unpack(response, 'Disk', (bytes) => disks.Disk.decode(bytes));
const snapshotIn = ({ response }: operations.Operation) =>
  unpack(response, 'Snapshot', (bytes) => snapshots.Snapshot.decode(bytes));
const imageIn = ({ response }: operations.Operation) => unpack(response, 'Image', (b) => images.Image.decode(b));

test('image, disk, snapshot, disk and image again, as a program with the SDK makes them', async () => {
  const sdk = openSdk();
  const { folderId } = obraz;
  const uri = files.put('sdk.raw', twoEndedGuest(80));
  const image = imageIn(
    await sdk.wait(await sdk.images.create(imageService.CreateImageRequest.fromPartial({ folderId, uri }))),
  );
  const [zone] = (await sdk.zones.list(zoneService.ListZonesRequest.fromPartial({}))).zones;
  assert.ok(zone !== undefined);
  assert.deepEqual([zone.id, zone.status], ['ru-central1-a', zones.Zone_Status.UP]);
  const { diskTypes } = await sdk.diskTypes.list(diskTypeService.ListDiskTypesRequest.fromPartial({}));
  assert.ok(diskTypes.every(({ zoneIds }) => zoneIds.includes(zone.id)));

  const started = await sdk.disks.create(
    diskService.CreateDiskRequest.fromPartial({
      folderId,
      name: 'from-the-sdk',
      labels: { made: 'by-sdk' },
      typeId: 'network-ssd',
      zoneId: zone.id,
      size: 8 * 2 ** 20,
      imageId: image.id,
    }),
  );
  const { diskId } = unpack(started.metadata, 'CreateDiskMetadata', (b) => diskService.CreateDiskMetadata.decode(b));
  const made = diskIn(await sdk.wait(started));
  const disk = await sdk.disks.get({ diskId });
  assert.deepEqual(disk, made);
  assert.deepEqual([disk.sourceImageId, disk.size, disk.blockSize], [image.id, 8 * 2 ** 20, 4096]);
  assert.equal(disk.status, disks.Disk_Status.READY);
  // Real clients read these without asking whether they are there.
  assert.ok(disk.diskPlacementPolicy !== undefined && disk.hardwareGeneration !== undefined);

  const grown = await sdk.disks.update(
    diskService.UpdateDiskRequest.fromPartial({ diskId, updateMask: { paths: ['size'] }, size: 2 ** 40 }),
  );
  assert.equal(diskIn(await sdk.wait(grown)).size, 2 ** 40, 'far beyond 32 bits');

  const request = { folderId, diskId, name: 'from-the-sdk' };
  const taken = await sdk.snapshots.create(snapshotService.CreateSnapshotRequest.fromPartial(request));
  const metadata = unpack(taken.metadata, 'CreateSnapshotMetadata', (bytes) =>
    snapshotService.CreateSnapshotMetadata.decode(bytes),
  );
  assert.equal(metadata.diskId, diskId);
  const snapshot = snapshotIn(await sdk.wait(taken));
  assert.deepEqual([snapshot.diskSize, snapshot.sourceDiskId], [2 ** 40, diskId]);
  assert.equal(snapshot.status, snapshots.Snapshot_Status.READY);

  const filter = 'name = "from-the-sdk"';
  const found = await sdk.snapshots.list(snapshotService.ListSnapshotsRequest.fromPartial({ folderId, filter }));
  assert.deepEqual(
    found.snapshots.map(({ id }) => id),
    [snapshot.id],
  );
  const ofSnapshot = imageService.CreateImageRequest.fromPartial({ folderId, snapshotId: snapshot.id });
  assert.equal(imageIn(await sdk.wait(await sdk.images.create(ofSnapshot))).minDiskSize, 2 ** 40);

  const gone = await sdk.wait(await sdk.disks.delete({ diskId }));
  assert.equal(gone.response?.typeUrl, 'type.googleapis.com/google.protobuf.Empty');
  await sdk.wait(await sdk.snapshots.delete({ snapshotId: snapshot.id }));
  await assert.rejects(sdk.disks.get({ diskId }), { code: 5, details: `Disk "${diskId}" not found` });
  const ofNothing = snapshotService.CreateSnapshotRequest.fromPartial({ folderId, diskId });
  await assert.rejects(sdk.snapshots.create(ofNothing), { code: 9, details: `Disk "${diskId}" not found` });
});
