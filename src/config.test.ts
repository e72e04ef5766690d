import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import test from 'node:test';
import { ConfigInvalid, readClientEnvironment, readConfig } from './config.ts';
import { defaultDiskTypeIds } from './disks/disk-type.ts';
import { quotaNames, usualQuota } from './quotas/quota.ts';

test('has a default for everything', () => {
  assert.deepEqual(readConfig({}, {}), {
    invokedAs: undefined,
    startedFrom: process.cwd(),
    dataDirectory: resolve('.obraz'),
    databaseUrl: undefined,
    s3: undefined,
    cacheBytes: undefined,
    uploadsBytes: undefined,
    roles: ['api', 'worker', 'block'],
    listen: { host: '127.0.0.1', port: 8443 },
    nbd: { host: '127.0.0.1', port: 10809 },
    nbdAddress: undefined,
    grpc: undefined,
    rest: undefined,
    metrics: undefined,
    publicAddress: undefined,
    certificate: undefined,
    usersPath: undefined,
    tlsNames: [],
    plaintext: false,
    allowSources: [],
    objectStore: 'https://storage.googleapis.com',
    linkBase: 'https://www.googleapis.com/compute/v1/',
    zones: ['ru-central1-a', 'ru-central1-b', 'ru-central1-d'],
    diskTypes: defaultDiskTypeIds,
    keepDeletedMs: 86_400_000,
    poolBytes: undefined,
    auditRetention: { keepMs: 365 * 86_400_000, maxRecords: 250_000 },
    quotas: new Map(quotaNames.map((name) => [name, usualQuota(name)])),
    logLevel: 'info',
  });
});

test('takes flags before the environment', () => {
  const environment = { OBRAZ_DATA: '/data', OBRAZ_LISTEN: '[::]:1', OBRAZ_ALLOW_SOURCE: '10.0.0.0/8, s3.local:9000' };
  const fromEnvironment = readConfig({}, environment);
  assert.equal(fromEnvironment.dataDirectory, '/data');
  assert.deepEqual(fromEnvironment.listen, { host: '::', port: 1 });
  assert.deepEqual(fromEnvironment.allowSources, ['10.0.0.0/8', 's3.local:9000']);
  const fromFlags = readConfig({ data: '/else', listen: 'localhost:2', allowSource: ['127.0.0.1'] }, environment);
  assert.equal(fromFlags.dataDirectory, '/else');
  assert.deepEqual(fromFlags.listen, { host: 'localhost', port: 2 });
  assert.deepEqual(fromFlags.allowSources, ['127.0.0.1']);
});

test('takes the address of an object store, of http and https, without its last slash', () => {
  const read = (objectStore: string) => readConfig({ objectStore }, {}).objectStore;
  assert.equal(read('http://127.0.0.1:9000/google/'), 'http://127.0.0.1:9000/google');
  assert.equal(read('HTTPS://Objects.example.com'), 'https://objects.example.com');
  assert.equal(readConfig({}, { OBRAZ_OBJECT_STORE: 'http://s3' }).objectStore, 'http://s3');
  for (const wrong of [
    'gs://b',
    's3.local:9000',
    'https://',
    'https://a?b',
    'https://a/#b',
    'https://user:pass@a',
    'https://a b',
  ])
    assert.throws(() => read(wrong), ConfigInvalid, wrong);
});

test('takes zones and disk types, each once, in place of the usual ones', () => {
  const given = readConfig({ diskType: ['fast'] }, { OBRAZ_ZONE: 'lab-1,lab-2,lab-1', OBRAZ_DISK_TYPE: 'slow' });
  assert.deepEqual([given.zones, given.diskTypes], [['lab-1', 'lab-2'], ['fast']]);
});

test('takes roles where a database and a bucket are shared, and nowhere else', () => {
  const shared = {
    ...{ OBRAZ_DATABASE_URL: 'postgres://db/obraz', OBRAZ_BLOBS: 's3://bucket', AWS_REGION: 'here' },
    ...{ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' },
  };
  assert.deepEqual(readConfig({ role: ['api', 'block', 'api'] }, shared).roles, ['api', 'block']);
  assert.deepEqual(readConfig({}, { ...shared, OBRAZ_ROLE: 'worker' }).roles, ['worker']);
  assert.throws(() => readConfig({ role: ['reader'] }, shared), /--role "reader": give api, worker, block/);
  assert.throws(() => readConfig({ role: ['api'] }, {}), /--role: .*OBRAZ_DATABASE_URL and OBRAZ_BLOBS/);
});

test('takes an empty variable for an absent one', () => {
  const empty = { OBRAZ_DATA: '', OBRAZ_LISTEN: '', OBRAZ_ALLOW_SOURCE: '', OBRAZ_PLAINTEXT: '', OBRAZ_LOG_LEVEL: '' };
  assert.deepEqual(readConfig({}, empty), readConfig({}, {}));
  assert.equal(readClientEnvironment({ OBRAZ_TOKEN: '' }).token, undefined);
});

test('names every problem at once, each with its setting, its value and the remedy', () => {
  const flags = {
    ...{ listen: '8443', grpc: ':1', allowSource: ['10.0.0.0/33', 'ok.example.com'], logLevel: 'loud' },
    ...{ zone: ['ru-central1-a', 'Moon'], diskType: ['1st'] },
  };
  const environment = {
    OBRAZ_NBD: 'localhost:70000',
    OBRAZ_REST: '::1:5',
    OBRAZ_TLS_NAME: 'a.example.com,b:1',
    OBRAZ_PLAINTEXT: 'maybe',
    OBRAZ_DATABASE_URL: 'mysql://obraz:secret@db/obraz',
    OBRAZ_BLOBS: 's3://Upper',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: 'localhost',
  };
  assert.throws(
    () => readConfig(flags, environment),
    (error: unknown) => {
      assert.ok(error instanceof ConfigInvalid);
      assert.deepEqual(
        error.problems.map(({ setting, value }) => [setting, value]),
        [
          ['OBRAZ_DATABASE_URL', undefined],
          ['--listen', '8443'],
          ['OBRAZ_BLOBS', 's3://Upper'],
          ['AWS_ACCESS_KEY_ID', ''],
          ['AWS_ENDPOINT_URL', 'localhost'],
          ['AWS_REGION', ''],
          ['OBRAZ_NBD', 'localhost:70000'],
          ['--grpc', ':1'],
          ['OBRAZ_REST', '::1:5'],
          ['OBRAZ_TLS_NAME', 'b:1'],
          ['OBRAZ_PLAINTEXT', 'maybe'],
          ['--allow-source', '10.0.0.0/33'],
          ['--zone', 'Moon'],
          ['--disk-type', '1st'],
          ['--log-level', 'loud'],
        ],
      );
      assert.ok(error.problems.every(({ remedy }) => remedy !== ''));
      assert.match(error.message, /--listen "8443": give HOST:PORT/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});

test('takes a public address with a port or without', () => {
  const read = (publicAddress: string) => readConfig({ publicAddress }, {}).publicAddress;
  assert.deepEqual(read('images.example.com'), { host: 'images.example.com', port: 443 });
  assert.deepEqual(read('10.0.0.1:8443'), { host: '10.0.0.1', port: 8443 });
  assert.deepEqual(read('[::1]'), { host: '::1', port: 443 });
  for (const wrong of ['8443', ':8443', 'a b', '::1', 'a:0', 'https://a']) {
    assert.throws(() => read(wrong), ConfigInvalid, wrong);
  }
});

test('takes a certificate with its key, or neither', () => {
  const both = readConfig({ tlsCert: 'a.pem', users: 'users.yaml' }, { OBRAZ_TLS_KEY: '/b.pem' });
  assert.deepEqual(both.certificate, { certificatePath: resolve('a.pem'), keyPath: '/b.pem' });
  assert.equal(both.usersPath, resolve('users.yaml'));
  for (const half of [{ tlsCert: 'a.pem' }, { tlsKey: 'b.pem' }]) {
    const message = /give (its key|the certificate), too/;
    assert.throws(() => readConfig(half, {}), { name: 'ConfigInvalid', message });
  }
});

test('takes the URL of a PostgreSQL database', () => {
  for (const url of ['postgres://obraz:secret@db:5432/obraz', 'postgresql:///obraz?host=/run/postgresql']) {
    assert.equal(readConfig({}, { OBRAZ_DATABASE_URL: url }).databaseUrl, url);
  }
});

test('cannot be changed once read', () => {
  assert.ok(Object.isFrozen(readConfig({}, {})));
});

test('quotas are set by name, a count as a number and bytes as a size', () => {
  const { quotas } = readConfig({ quota: ['compute.images.count=5', 'compute.ssdDisks.size=2TB'] }, {});
  assert.equal(quotas.get('compute.images.count'), 5);
  assert.equal(quotas.get('compute.ssdDisks.size'), 2 * 1024 ** 4);
  assert.equal(quotas.get('compute.disks.count'), usualQuota('compute.disks.count'));
  for (const wrong of [
    'compute.gpus.count=1',
    'compute.images.count',
    'compute.images.count=1GB',
    'compute.images.count=-1',
  ]) {
    assert.throws(() => readConfig({}, { OBRAZ_QUOTA: wrong }), ConfigInvalid, wrong);
  }
});
