import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Agent, request } from 'undici';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { startObraz } from '../fixtures/obraz.ts';

test('the SHA-256 of the raw disk is computed once, on demand', async () => {
  await using files = await startFileServer();
  await using obraz = await startObraz();
  await using door = openRestDoor(obraz);
  await using dispatcher = new AsyncDisposableStack();
  const agent = dispatcher.adopt(new Agent({ connect: { ca: obraz.ca } }), (opened) => opened.close());
  const disk = smallDisk(7);
  const { body: started } = await door.call('ImageService.Create', {
    folderId: obraz.folderId,
    uri: files.put('disk.qcow2', disk.qcow2),
  });
  const { response: image } = await untilDone(door, started.id);

  const compute = async () => {
    const reply = await request(`https://${obraz.endpoint}/obraz/v1/images/${image.id}:computeDigest`, {
      method: 'POST',
      dispatcher: agent,
      headers: { authorization: `Bearer ${obraz.token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(reply.statusCode, 200);
    return (await reply.body.json()) as { id: string; done: boolean; metadata: unknown }; // an Operation
  };
  const begun = await Promise.all(Array.from({ length: 8 }, compute));
  const underWay = new Set(begun.filter(({ done }) => !done).map(({ id }) => id));
  assert.equal(underWay.size, 1, 'whoever asks meanwhile gets the same operation');
  const [id = ''] = underWay;
  const first = await untilDone(door, id);
  assert.deepEqual(first.response, {
    '@type': 'type.googleapis.com/obraz.v1.ImageDigest',
    imageId: image.id,
    sha256: createHash('sha256').update(disk.guest).digest('hex'),
    guestDigest: image.obraz.guestDigest,
  });
  assert.equal((await compute()).done, true, 'and kept');
});
