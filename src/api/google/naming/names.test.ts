import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkName, checkProject, checkReference, isProject, isReference } from './names.ts';

const long = 'a'.repeat(63);

test('names that can be given are those of the public service', () => {
  for (const name of ['a', 'a-1', long]) assert.equal(checkName('resource.name', name), name);
  for (const name of ['', 'A', '1a', 'a-', 'a_b', `${long}a`, 'a\n', 'a b', 'é']) {
    assert.throws(() => checkName('resource.name', name), {
      code: 'INVALID_ARGUMENT',
      message: `Invalid value for field 'resource.name': '${name}'. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'`,
    });
  }
});

test('what is there is called by its name, with underscores, too, its id or its number', () => {
  for (const text of ['a', 'a_b', 'fd8aaaaaaaaaaaaaaaaa', '1', '9223372036854775807', long])
    assert.ok(isReference(text), text);
  for (const text of ['', '0', '01', 'a-', '-1', '1.5', `${long}a`, '123456789012345678901', 'a/b', 'a\u0000']) {
    assert.ok(!isReference(text), text);
    assert.throws(() => checkReference('image', text), /^ServiceError: Invalid value for field 'image'/);
  }
});

test('projects are ids and names of folders, perhaps with a domain', () => {
  for (const text of ['b1gaaaaaaaaaaaaaaaaa', 'default', 'p', '1234567890123456789', 'example.com:p']) {
    assert.ok(isProject(text), text);
  }
  for (const text of ['', 'P', '-p', 'p-', 'p_q', 'p/q', ':p', 'p\n', '<p>']) {
    assert.ok(!isProject(text), text);
    assert.throws(() => checkProject(text), /^ServiceError: Invalid value for field 'project'/);
  }
});
