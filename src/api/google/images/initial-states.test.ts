import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialStatesOf } from './initial-states.ts';

const large = { pk: { content: 'A'.repeat(128 * 1024 - 50) } };

/** Images of which all have a state as large as there can be. */
function reading() {
  const read: string[] = [];
  const getInitialStates = async ({ imageIds }: { imageIds: readonly string[] }) => {
    read.push(...imageIds);
    return new Map(imageIds.map((id) => [id, large]));
  };
  return { read, getInitialStates };
}

const ids = Array.from({ length: 500 }, (_, index) => `fd8${index}`);

test('a page of images has no more of their initial states than fits into one reply', async () => {
  const { read, getInitialStates } = reading();
  const { byImage, fitting } = await initialStatesOf({ getInitialStates }, ids);
  assert.equal(fitting, 32);
  assert.deepEqual([...byImage.keys()], ids.slice(0, 32));
  assert.equal(read.length, 64, 'read in vain');
});

test('what fits is there whole', async () => {
  const { getInitialStates } = reading();
  const { byImage, fitting } = await initialStatesOf({ getInitialStates }, ids.slice(0, 32));
  assert.deepEqual([byImage.size, fitting], [32, 32]);
  assert.equal(byImage.get('fd80')?.pk?.content, large.pk.content);
  assert.deepEqual(await initialStatesOf({ getInitialStates }, []), { byImage: new Map(), fitting: 0 });
  const none = { getInitialStates: async () => new Map() };
  assert.deepEqual(await initialStatesOf(none, ids), { byImage: new Map(), fitting: 500 });
});
