import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { caller, createRequest, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import { untouchedContents as contents } from '../../test/fixtures/untouched-disks.ts';
import type { JsonObject } from '../lib/json.ts';
import { createImage } from './create-image.ts';
import { discardImage } from './discard-image.ts';
import { getInitialStates } from './initial-state.ts';

const runner = { wake() {} };

eachDatabase(({ open }) => {
  test('an initial state is given back as it was given, and goes with its image', async (t) => {
    const db = await openImageDatabase(t, open);
    const create = (changes: { initialState?: JsonObject }) =>
      createImage({ db, runner, contents, checkUri: () => undefined }, createRequest(changes), caller);
    const initialState = {
      pk: { content: 'AAAA', fileType: 'X509' },
      keks: [],
      dbs: [{ content: '', fileType: 'BIN' }],
    };
    const { resourceId: withState } = await create({ initialState });
    const { resourceId: without } = await create({});
    const imageIds = [withState, without, 'x'];
    assert.deepEqual(await getInitialStates({ db }, { imageIds }), new Map([[withState, initialState]]));
    assert.deepEqual(await getInitialStates({ db }, { imageIds: [] }), new Map());
    await assert.rejects(create({ initialState: { pk: 'A'.repeat(128 * 1024) } }), {
      code: 'INVALID_ARGUMENT',
      message: /initial_state: has 131081 characters as JSON; there may be 131072/,
    });
    await db.transact((tx) => discardImage(tx, withState));
    assert.deepEqual(await getInitialStates({ db }, { imageIds }), new Map());
  });
});
