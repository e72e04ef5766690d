import assert from 'node:assert/strict';
import test from 'node:test';
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { CreateImageRequestSchema } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { jsonMistakes } from './json-mistakes.ts';

const rejected: readonly [json: JsonObject, fields: readonly string[], says: RegExp][] = [
  [{ uri: 'http://a', imageId: 'b' }, ['source'], /^uri and imageId exclude each other: give one of image_id, disk_id/],
  [{ uri: 'http://a', image_id: 'b', name: 7 }, ['name', 'source'], /uri and image_id exclude each other/],
  [{ imageId: 'a', image_id: 'b' }, ['source'], /imageId and image_id exclude each other/],
  [{ imageId: null, diskId: 'b', uri: '' }, ['source'], /diskId and uri exclude each other/],
];
for (const [json, fields, says] of rejected) {
  test(`finds the mistakes of ${JSON.stringify(json)}`, () => {
    assert.throws(() => fromJson(CreateImageRequestSchema, json));
    const mistakes = jsonMistakes(CreateImageRequestSchema, json);
    assert.deepEqual(
      mistakes.map(({ field }) => field),
      fields,
    );
    assert.match(mistakes.at(-1)?.description ?? '', says);
  });
}

test('finds none where the decoder finds none', () => {
  for (const json of [{ uri: 'http://a' }, { uri: 'http://a', imageId: null }, {}]) {
    fromJson(CreateImageRequestSchema, json);
    assert.deepEqual(jsonMistakes(CreateImageRequestSchema, json), []);
  }
});
