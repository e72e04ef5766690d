import assert from 'node:assert/strict';
import test from 'node:test';
import {
  byPath,
  honest,
  inTurn,
  redirecting,
  startBadServer,
  status,
  testBytes,
} from '../../test/fixtures/bad-server.ts';
import { assertFailure, openSourceBench } from '../../test/fixtures/source-bench.ts';

const MIB = 1024 * 1024;
const file = testBytes(3 * MIB);

test('follows redirects, and asks at once where they led from then on', async () => {
  await using mirror = await startBadServer(honest(file));
  await using server = await startBadServer(redirecting(`${mirror.origin}/b.img?sig=secret`));
  await using bench = await openSourceBench();
  const source = await bench.open(`${server.origin}/a.img`);
  assert.equal(source.finalUrl, `${mirror.origin}/b.img?…`);
  assert.equal(source.identity.url, `${server.origin}/a.img`);
  await source.read(MIB, MIB);
  await source.read(2 * MIB, MIB);
  assert.equal(server.seen.length, 1);
  assert.equal(mirror.seen.length, 3);
});

for (const code of [301, 302, 303, 307, 308]) {
  test(`follows ${code}, relative to where it stands`, async () => {
    const routes = byPath({ '/a/b': redirecting('../c?x=1', code), '/c': honest(file) });
    await using server = await startBadServer(routes);
    await using bench = await openSourceBench();
    assert.equal((await bench.open(`${server.origin}/a/b`)).finalUrl, `${server.origin}/c?…`);
  });
}

test('follows five redirects and not six', async () => {
  const next = (path: string) => `/${Number(path.slice(1)) - 1}`;
  const routes = Object.fromEntries([1, 2, 3, 4, 5, 6].map((hop) => [`/${hop}`, redirecting(next)]));
  await using server = await startBadServer(byPath({ ...routes, '/0': honest(file) }));
  await using bench = await openSourceBench();
  await bench.open(`${server.origin}/5`);
  assertFailure(await bench.failure(`${server.origin}/6`), 'bad-redirect', /more than 5 times/);
});

const badTargets: readonly (readonly [target: string, says: RegExp])[] = [
  ['/again', /more than 5 times/],
  ['file:///etc/passwd', /form file:/],
  ['unix:/var/run/docker.sock', /form unix:/],
  ['obraz:upload/upl0', /form obraz:/],
  ['ftp://127.0.0.1/a', /form ftp:/],
  ['data:text/plain,secret', /form data:/],
  ['http://', /without saying where/],
  ['http://[::1/', /without saying where/],
];

for (const [target, says] of badTargets) {
  test(`does not follow a redirect to ${target}`, async () => {
    await using server = await startBadServer(redirecting(target));
    await using bench = await openSourceBench();
    assertFailure(await bench.failure(`${server.origin}/again`), 'bad-redirect', says);
  });
}

test('does not follow a redirect that names no target', async () => {
  await using server = await startBadServer(status(302));
  await using bench = await openSourceBench();
  assertFailure(await bench.failure(server.origin), 'bad-redirect', /without saying where/);
});

test('sends credentials to their own origin only', async () => {
  await using stranger = await startBadServer(honest(file));
  const { port } = stranger;
  const routes = byPath({
    '/out': redirecting(`http://127.0.0.1:${port}/a`),
    '/own-out': redirecting(`http://mallory:secret@127.0.0.1:${port}/a`),
    '/in': redirecting('/a'),
    '/a': honest(file),
  });
  await using server = await startBadServer(routes);
  await using bench = await openSourceBench();
  const userinfo = 'user:secret@';
  const withUser = (path: string) => server.origin.replace('//', `//${userinfo}`) + path;
  const expected = `Basic ${Buffer.from('user:secret').toString('base64')}`;

  for (const path of ['/out', '/own-out']) {
    const source = await bench.open(withUser(path));
    await source.read(MIB, 10);
  }
  assert.equal(stranger.seen.length, 4);
  for (const request of stranger.seen) {
    assert.equal(request.headers.authorization, undefined);
    assert.doesNotMatch(JSON.stringify(request.headers), /secret|referer|cookie/);
  }
  const source = await bench.open(withUser('/in'));
  assert.doesNotMatch(JSON.stringify([source.identity, source.finalUrl]), /secret/);
  for (const request of server.seen) assert.equal(request.headers.authorization, expected);
});

test('goes back to the first address when the place it led to has expired', async () => {
  let ticket = 0;
  let oldestGood = 0;
  await using server = await startBadServer((request, response) => {
    const path = request.url ?? '';
    if (path === '/a') {
      ticket += 1;
      redirecting(`/signed?ticket=${ticket}`)(request, response);
      return;
    }
    const shown = Number(/ticket=(\d+)/.exec(path)?.[1]);
    (shown >= oldestGood ? honest(file) : status(403))(request, response);
  });
  await using bench = await openSourceBench();
  const source = await bench.open(`${server.origin}/a`);
  oldestGood = ticket + 1;
  const reads = await Promise.all(Array.from({ length: 6 }, (_, i) => source.read(MIB + i, 1000)));
  for (const [i, bytes] of reads.entries()) {
    assert.equal(Buffer.compare(bytes, file.subarray(MIB + i, MIB + i + 1000)), 0);
  }
});

test('a first address that says no is not asked twice', async () => {
  await using mirror = await startBadServer(inTurn(honest(file), status(403)));
  await using server = await startBadServer(inTurn(redirecting(`${mirror.origin}/b`), status(404)));
  await using bench = await openSourceBench();
  const failure = await bench.failure(`${server.origin}/a`, {}, (source) => source.read(MIB, 10));
  assertFailure(failure, 'not-found', /404/);
  assert.equal(server.seen.length, 2);
  assert.equal(mirror.seen.length, 2);
});

test('another version behind the first address is noticed', async () => {
  await using mirror = await startBadServer(inTurn(honest(file), status(410), honest(testBytes(3 * MIB, 9))));
  await using server = await startBadServer(redirecting(`${mirror.origin}/b`));
  await using bench = await openSourceBench();
  const failure = await bench.failure(`${server.origin}/a`, {}, (source) => source.read(MIB, 10));
  assertFailure(failure, 'changed', /another ETag/);
});
