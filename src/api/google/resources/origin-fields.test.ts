import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOf } from '../../../resources/origin.ts';
import { linkMaker } from '../naming/links.ts';
import { originFields } from './origin-fields.ts';

const link = linkMaker('https://www.googleapis.com/compute/v1/');
const image = { id: 'fd8a', folderId: 'b1gf', name: 'debian' };

/** The URL that a disk in the project `mine`, the folder b1gmine, has for the image. */
function urlOf(folderId: string, called?: string) {
  const fields = originFields(
    originOf('image', { ...image, folderId }, called),
    { folderId: 'b1gmine', name: 'mine' },
    link,
  );
  return fields.sourceImage?.replace(/^.*\/projects\//, '');
}

test('names the project of a source as the caller does now, if it is his own, or as it was called then', () => {
  assert.equal(urlOf('b1gmine'), 'mine/global/images/debian');
  assert.equal(urlOf('b1gmine', 'b1gmine'), 'mine/global/images/debian');
  assert.equal(urlOf('b1gf', 'debian-cloud'), 'debian-cloud/global/images/debian');
  assert.equal(urlOf('b1gf'), 'b1gf/global/images/debian');
});
