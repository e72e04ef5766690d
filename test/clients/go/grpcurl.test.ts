import assert from 'node:assert/strict';
import { delimiter, dirname } from 'node:path';
import { test } from 'node:test';
import { capture } from '../../fixtures/capture.ts';
import { openRestDoor, untilDone } from '../../fixtures/doors.ts';
import { startFileServer } from '../../fixtures/file-server.ts';
import { smallDisk } from '../../fixtures/guest.ts';
import { openTour } from '../../fixtures/readme.ts';
import { commandOf, prepareGrpcurl, whyMissing } from '../prepared.ts';

const prepared = await prepareGrpcurl();

test('the example of README.md with grpcurl', { skip: whyMissing(prepared) }, async () => {
  await using tour = await openTour();
  await using files = await startFileServer();
  await using door = openRestDoor(tour.obraz);
  const { folderId } = tour.obraz;
  const image = { folderId, name: 'tour-2', family: 'tour', uri: files.put('disk.qcow2', smallDisk(33).qcow2) };
  await untilDone(door, (await door.call('ImageService.Create', image)).body.id);
  const [grpcurl = ''] = commandOf(prepared);
  const example = tour.script((text) => text.startsWith('grpcurl'));
  const path = [dirname(grpcurl), process.env.PATH].join(delimiter);
  const script = `folder=${folderId}\n${example}`;
  const printed = await capture(['bash', '-c', script], { cwd: tour.path, environment: { PATH: path } });
  assert.match(printed, /^yandex\.cloud\.compute\.v1\.ImageService$/m, 'by reflection');
  assert.match(printed, /"name": "tour-2"/);
});
