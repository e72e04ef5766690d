import assert from 'node:assert/strict';
import test from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { invalidFields, notFound } from '../errors.ts';
import { BadRequestSchema, ErrorInfoSchema, RequestInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import { toStatus } from './error-status.ts';

test('carries the reason and the request id, and the fields only when some are at fault', () => {
  const status = toStatus(notFound('Image', 'fd8x'), 'request-1');
  assert.equal(status.code, 5);
  assert.equal(status.message, 'Image "fd8x" not found');
  assert.deepEqual(
    status.details.map(({ typeUrl }) => typeUrl.split('/').at(-1)),
    ['google.rpc.ErrorInfo', 'google.rpc.RequestInfo'],
  );
  const [info, request] = status.details;
  assert.ok(info !== undefined && request !== undefined);
  assert.equal(anyUnpack(info, ErrorInfoSchema)?.reason, 'RESOURCE_NOT_FOUND');
  assert.equal(anyUnpack(request, RequestInfoSchema)?.requestId, 'request-1');
});

test('names the fields', () => {
  const [bad] = toStatus(invalidFields([{ field: 'labels["A"]', description: 'bad key' }]), undefined).details;
  assert.ok(bad !== undefined);
  const [violation] = anyUnpack(bad, BadRequestSchema)?.fieldViolations ?? [];
  assert.equal(violation?.field, 'labels["A"]');
  assert.equal(violation?.description, 'bad key');
});

test('stays small and encodable whatever the request contained', () => {
  const fields = Array.from({ length: 64 }, (_, index) => ({
    field: `labels["${'\u{1f600}'.repeat(1000)}${index}"]`,
    description: 'x'.repeat(10_000),
  }));
  const bytes = toBinary(StatusSchema, toStatus(invalidFields(fields), 'request-1'));
  assert.ok(bytes.length < 6144, `${bytes.length}`);
  assert.doesNotThrow(() => encodeURI(fromBinary(StatusSchema, bytes).message));
});
