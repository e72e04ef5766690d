import assert from 'node:assert/strict';
import test from 'node:test';
import { type StatusCode, toStoredError } from '../errors.ts';
import { Code } from '../gen/google/rpc/code_pb.ts';
import { grpcCode, httpStatus } from './status-codes.ts';

/** The HTTP row of the public cloud's table, by gRPC number from 1 on. */
const httpByGrpc = [499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

function isStatusCode(name: string): name is StatusCode {
  return name in Code && name !== 'OK';
}

test('every code but OK has its gRPC and HTTP numbers', () => {
  const names = Object.keys(Code).filter(isStatusCode);
  assert.equal(names.length, 16);
  for (const name of names) {
    assert.equal(grpcCode(name), Code[name], name);
    assert.equal(httpStatus(name), httpByGrpc[Code[name] - 1], name);
  }
});

test('what nobody foresaw is INTERNAL and shows nothing of its cause', () => {
  const stored = toStoredError(new Error('password is hunter2'));
  assert.equal(httpStatus(stored.code), 500);
  assert.ok(!JSON.stringify(stored).includes('hunter2'));
});
