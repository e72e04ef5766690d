import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { inOrder } from './in-order.ts';

test('gives everything in its order, with no more under way than allowed', async () => {
  const delays = fc.array(fc.nat(3), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(delays, fc.integer({ min: 1, max: 6 }), async (turns, limit) => {
      let underWay = 0;
      let most = 0;
      const work = async (index: number) => {
        underWay += 1;
        most = Math.max(most, underWay);
        for (let turn = 0; turn < (turns[index] ?? 0); turn++) await undefined;
        underWay -= 1;
        return index;
      };
      const indices = [...turns.keys()];
      assert.deepEqual(await Array.fromAsync(inOrder(indices, limit, work)), indices);
      assert.ok(most <= limit);
    }),
  );
});

test('begins no more once nobody takes any', async () => {
  const begun: number[] = [];
  const work = async (item: number) => begun.push(item);
  for await (const _ of inOrder([1, 2, 3, 4, 5, 6], 2, work)) break;
  assert.deepEqual(begun, [1, 2]);
});
