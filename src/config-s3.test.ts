import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { parseS3Url } from './config-s3.ts';

const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' };

test('takes the bucket from OBRAZ_BLOBS and the rest from the variables of AWS', () => {
  const environment = {
    ...keys,
    OBRAZ_BLOBS: 's3://images/obraz',
    AWS_REGION: 'eu-north-1',
    AWS_SESSION_TOKEN: 'token',
  };
  assert.deepEqual(readConfig({}, environment).s3, {
    bucket: 'images',
    prefix: 'obraz',
    region: 'eu-north-1',
    endpoint: undefined,
    credentials: { accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'token' },
  });
  assert.equal(readConfig({}, keys).s3, undefined);
});

test('a server of its own needs no region, and the variable for S3 goes before the one for all services', () => {
  const environment = { ...keys, OBRAZ_BLOBS: 's3://images', AWS_ENDPOINT_URL: 'https://s3.example.com/' };
  assert.equal(readConfig({}, environment).s3?.endpoint, 'https://s3.example.com');
  assert.equal(readConfig({}, environment).s3?.region, 'us-east-1');
  const both = { ...environment, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000' };
  assert.equal(readConfig({}, both).s3?.endpoint, 'http://127.0.0.1:9000');
});

test('an address of AWS is found by the region, so that the bucket can be in its host name', () => {
  const environment = { ...keys, OBRAZ_BLOBS: 's3://images', AWS_REGION: 'eu-north-1' };
  const bucketAt = (AWS_ENDPOINT_URL: string) => readConfig({}, { ...environment, AWS_ENDPOINT_URL }).s3;
  assert.equal(bucketAt('https://s3.eu-north-1.amazonaws.com')?.endpoint, undefined);
  assert.equal(bucketAt('https://s3.amazonaws.com')?.endpoint, undefined);
  assert.equal(bucketAt('https://s3.amazonaws.com.example.com')?.endpoint, 'https://s3.amazonaws.com.example.com');
});

test('takes plain names of buckets and prefixes only', () => {
  assert.deepEqual(parseS3Url('s3://a-bucket'), { bucket: 'a-bucket', prefix: '' });
  assert.deepEqual(parseS3Url('s3://a-bucket/'), { bucket: 'a-bucket', prefix: '' });
  assert.deepEqual(parseS3Url('s3://a-bucket/one/two_2/'), { bucket: 'a-bucket', prefix: 'one/two_2' });
  for (const wrong of [
    'a-bucket',
    's3://',
    's3://ab',
    's3://a.b.c',
    's3://Upper',
    's3://abc//x',
    's3://abc/../x',
    's3://abc/a b',
  ]) {
    assert.equal(parseS3Url(wrong), undefined, wrong);
  }
});
