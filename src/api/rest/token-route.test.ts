import assert from 'node:assert/strict';
import test from 'node:test';
import { goodToken, startApi } from '../../../test/fixtures/api-fixture.ts';
import type { Proof } from '../../access/issue-token.ts';
import type { NewAuditRecord } from '../../audit/audit-record.ts';
import { DatabaseFailed } from '../../db/database-failed.ts';
import { unauthenticated } from '../../errors.ts';

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** The answer to a form, and what was seen of it: proofs, and refusals on record. */
async function post(form: string | Readonly<Record<string, string>>, answer?: Error) {
  const proofs: Proof[] = [];
  const refusals: NewAuditRecord[] = [];
  await using api = await startApi({
    tokens: {
      async issueToken(proof) {
        proofs.push(proof);
        if (answer !== undefined) throw answer;
        return { iamToken: goodToken, expiresAt: new Date(), lifeMs: 12 * 3_600_000 - 1 };
      },
    },
    audit: { recordRefusal: (record) => refusals.push(record) },
  });
  const body = typeof form === 'string' ? form : new URLSearchParams(form);
  const response = await fetch(`${api.url}/token`, { method: 'POST', body });
  const answered = (await response.json()) as Record<string, string>; // but for expires_in
  return { response, body: answered, proofs, refusals };
}

test('gives a token for a JWT', async () => {
  const { response, body, proofs, refusals } = await post({ grant_type: grant, assertion: 'a.b.c', scope: 'x' });
  assert.equal(response.status, 200);
  assert.deepEqual(body, { access_token: goodToken, expires_in: 12 * 3600 - 1, token_type: 'Bearer' });
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.match(response.headers.get('x-request-id') ?? '', /^[\w-]{36}$/);
  assert.deepEqual(proofs, [{ assertion: 'a.b.c' }]);
  assert.deepEqual(refusals, []);
});

test('refuses in the words of OAuth, and records it', async () => {
  const broken = new DatabaseFailed({ message: 'the database is away', failure: 'unavailable' });
  const assertion = 'a.b.c';
  const cases: [string, Parameters<typeof post>, number, string, RegExp][] = [
    ['nothing', [''], 400, 'invalid_request', /grant_type must be there once/],
    ['JSON', [JSON.stringify({ grant_type: grant, assertion })], 400, 'invalid_request', /grant_type/],
    ['another grant', [{ grant_type: 'refresh_token' }], 400, 'unsupported_grant_type', /jwt-bearer/],
    ['no assertion', [{ grant_type: grant }], 400, 'invalid_request', /assertion must be there once/],
    ['two of them', [`grant_type=${grant}&assertion=a&assertion=b`], 400, 'invalid_request', /there once/],
    ['too much', [{ grant_type: grant, assertion: 'a'.repeat(20_000) }], 400, 'invalid_request', /longer than/],
    ['a wrong JWT', [{ grant_type: grant, assertion }, unauthenticated('No.')], 400, 'invalid_grant', /^No\.$/],
    ['no database', [{ grant_type: grant, assertion }, broken], 503, 'temporarily_unavailable', /Try again/],
    [
      'a mistake of ours',
      [{ grant_type: grant, assertion }, new Error('secret')],
      500,
      'server_error',
      /^(?!.*secret)/,
    ],
  ];
  for (const [name, asked, status, error, description] of cases) {
    const { response, body, refusals } = await post(...asked);
    assert.equal(response.status, status, name);
    assert.deepEqual(Object.keys(body), ['error', 'error_description'], name);
    assert.equal(body.error, error, name);
    assert.match(body.error_description ?? '', description, name);
    assert.deepEqual(
      refusals.map(({ method, kind }) => [method, kind]),
      [['POST /token', 'refusal']],
      name,
    );
  }
});
