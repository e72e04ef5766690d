import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SourceFailed } from './source-failed.ts';
import { basicAuthorization, checkUri, describeUri, parseUri } from './source-uri.ts';

test('takes http and https addresses', () => {
  for (const uri of [
    'https://images.example.com/debian.qcow2',
    'HTTP://example.com',
    'http://[2001:db8::1]:8080/x?sig=a%20b#part',
    'https://user:pa%40ss@example.com:65535/',
    'http://bücher.example/ä.img',
    'obraz:upload/upl00000000000000000',
  ]) {
    assert.equal(checkUri(uri), undefined, uri);
  }
});

const refused: readonly (readonly [uri: string, why: RegExp])[] = [
  ['', /empty/],
  ['debian.qcow2', /absolute/],
  ['/var/lib/images/a.img', /absolute/],
  ['//example.com/a', /absolute/],
  ['file:///etc/passwd', /form file:/],
  ['s3://bucket/key', /pre-signed/],
  ['data:text/plain,hello', /form data:/],
  ['ftp://example.com/a', /form ftp:/],
  ['unix:/var/run/docker.sock', /form unix:/],
  ['javascript:alert(1)', /form javascript:/],
  ['obraz:upload/', /obraz:upload\/UPLOAD_ID/],
  ['obraz:upload/../metadata.db', /obraz:upload\/UPLOAD_ID/],
  ['obraz:upload/upl0?x', /obraz:upload\/UPLOAD_ID/],
  ['obraz://upload/upl0', /obraz:upload\/UPLOAD_ID/],
  ['http:example.com', /\/\//],
  ['http:///path', /no host/],
  ['http://user@/path', /no host/],
  ['http://:80/', /no host/],
  ['http://example.com:0/', /port/],
  ['http://example.com:65536/', /port/],
  ['http://example.com:http/', /port/],
  ['http://exa mple.com/', /space/],
  ['http://example.com/a\tb', /control/],
  ['http://example.com\\@127.0.0.1/', /backslash/],
  ['http://[::1/', /host/],
  ['http://1.2.3.4.5/', /host/],
  ['http://%zz/', /host/],
  ['http://u%zz@example.com/', /percent/],
  [`http://example.com/${'a'.repeat(8200)}`, /at most 8192/],
];

for (const [uri, why] of refused) {
  test(`refuses ${JSON.stringify(uri.slice(0, 40))}`, () => {
    assert.match(checkUri(uri) ?? 'taken', why);
    assert.throws(() => parseUri(uri), SourceFailed);
  });
}

test('whatever passes the check can be parsed, and nothing makes either throw', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.string().map((text) => `http://${text}`),
  );
  fc.assert(
    fc.property(anything, (uri) => {
      assert.equal(typeof describeUri(uri), 'string');
      if (checkUri(uri) === undefined) assert.match(parseUri(uri).protocol, /^https?:$/);
    }),
  );
});

test('shows no user information, query or fragment', () => {
  assert.equal(describeUri('https://u:secret@example.com:444/a/b?sig=secret#secret'), 'https://example.com:444/a/b?…');
  assert.equal(describeUri('http://example.com'), 'http://example.com/');
  assert.equal(describeUri('data:secret'), 'data:…');
  assert.equal(describeUri('http://u:secret@:bad'), '(an address that cannot be read)');
  assert.ok(describeUri(`http://example.com/${'a'.repeat(5000)}`).length < 300);
});

test('makes Basic authorization of user information', () => {
  const header = basicAuthorization(new URL('http://al%C3%A9:p%3Aw@example.com/'));
  assert.equal(header, `Basic ${Buffer.from('alé:p:w').toString('base64')}`);
  assert.equal(basicAuthorization(new URL('http://example.com/')), undefined);
});
