import assert from 'node:assert/strict';
import test from 'node:test';
import { methodNames, ruleOf } from '../access/method-rules.ts';
import { isPermission, levelOf } from '../access/permissions.ts';
import { auditedOf } from './audited-methods.ts';

test('what takes a right to change is recorded, but for what only reads with such a right', () => {
  const readers = methodNames.filter((name) => {
    const [permission] = [ruleOf(name)].flat();
    const mayChange = permission !== undefined && isPermission(permission) && levelOf(permission) !== 'view';
    return mayChange && auditedOf(name) !== 'changes';
  });
  assert.deepEqual(readers, [
    'obraz.v1.UploadService/Get',
    'obraz.v1.UploadService/List',
    'HEAD /obraz/v1/uploads/{upload_id}',
    'PATCH /obraz/v1/uploads/{upload_id}',
    'GET /storage/v1/b',
    'GET /storage/v1/b/{bucket}',
    'GET /storage/v1/b/{bucket}/storageLayout',
    'GET /storage/v1/b/{bucket}/managedFolders',
    'GET /storage/v1/b/{bucket}/o',
    'GET /storage/v1/b/{bucket}/o/{object}',
    'GET /s3',
    'HEAD /s3/{bucket}',
    'GET /s3/{bucket}',
    'GET /s3/{bucket}?location',
    'GET /s3/{bucket}/{object}',
    'PUT /s3/{bucket}/{object}?partNumber&uploadId',
    'obraz.v1.StoreService/GetSpace',
    'obraz.v1.PoolService/List',
    'obraz.v1.NodeService/List',
    'GET /metrics',
    'obraz.v1.AuditService/List',
  ]);
});

test('what only takes a right to see is not recorded, but for what changes with such a right', () => {
  const changers = methodNames.filter((name) => {
    const [permission] = [ruleOf(name)].flat();
    const maySee = permission !== undefined && (!isPermission(permission) || levelOf(permission) === 'view');
    return maySee && auditedOf(name) === 'changes';
  });
  assert.deepEqual(changers, ['yandex.cloud.iam.v1.IamTokenService/Revoke', 'obraz.v1.ImageDigestService/Compute']);
});
