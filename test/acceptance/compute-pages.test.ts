import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Lists of the Compute Engine API that are no usual ones: of what is configured, and of what is large. */

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;

before(async () => {
  files = await startFileServer();
  const zones = ['--zone', 'us-central1-a', '--zone', 'us-central1-b'];
  obraz = await startObraz({ flags: ['--object-store', files.origin, ...zones] });
  compute = openCompute(obraz);
});
after(async () => {
  for (const opened of [compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

test('zones and types of disks are filtered and paged like everything else', async () => {
  const names = ({ items = [] }: { items?: { name: string }[] }) => items.map(({ name }) => name);
  assert.deepEqual(names(await compute.get('zones', { filter: 'name eq ".*\\bus-central1-b\\b.*"' })), [
    'us-central1-b',
  ]);
  const first = await compute.get('zones', { maxResults: 1 });
  assert.deepEqual(names(first), ['us-central1-a']);
  const second = await compute.get('zones', { maxResults: 1, pageToken: first.nextPageToken });
  assert.deepEqual([names(second), second.nextPageToken], [['us-central1-b'], undefined]);
  await compute.refused(400, 'GET', 'zones', { query: { maxResults: 1, pageToken: `${first.nextPageToken}1` } });
  const all = await compute.get('aggregated/diskTypes');
  assert.deepEqual(Object.keys(all.items).sort(), ['zones/us-central1-a', 'zones/us-central1-b']);
  const filtered = await compute.get('aggregated/diskTypes', { filter: 'zone eq ".*us-central1-b"' });
  assert.deepEqual(Object.keys(filtered.items), ['zones/us-central1-b']);
  const none = await compute.get('aggregated/diskTypes', { filter: 'name = none' });
  assert.equal(none.items['zones/us-central1-a'].warning.code, 'NO_RESULTS_ON_PAGE');
  assert.equal(
    (await compute.get('aggregated/disks', { filter: 'name = none' })).items['zones/us-central1-a'].disks,
    undefined,
  );
});

test('a page of images with large firmware states is short, and the list goes on', async () => {
  files.put('bucket/disk.tar.gz', rawTarball(noise(8192, 1)));
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/disk.tar.gz' };
  await compute.change('POST', 'global/images', { body: { name: 'a-first', rawDisk } });
  const shieldedInstanceInitialState = { dbxs: [{ content: 'A'.repeat(120_000), fileType: 'BIN' }] };
  const source = { sourceImage: 'global/images/a-first', shieldedInstanceInitialState };
  const names = Array.from({ length: 40 }, (_, index) => `large-${10 + index}`);
  for (const name of names) await compute.ask('POST', 'global/images', { body: { name, ...source } });

  const first = await compute.get('global/images');
  assert.equal(first.items.length, 35, 'the small one, and 34 of 120,000 characters in 4 Mi');
  const { items, nextPageToken } = await compute.get('global/images', { pageToken: first.nextPageToken });
  assert.equal(nextPageToken, undefined);
  const listed = [...first.items, ...items];
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['a-first', ...names],
  );
  for (const image of listed.slice(1))
    assert.deepEqual(image.shieldedInstanceInitialState, shieldedInstanceInitialState);
});
