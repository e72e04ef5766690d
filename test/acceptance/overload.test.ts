import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { type BadServer, startBadServer } from '../fixtures/bad-server.ts';
import { type Door, openGrpcDoor } from '../fixtures/doors.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { createTenant, type Tenant } from '../fixtures/tenant.ts';

/** More calls than can be answered: what is too much is refused at once, and one tenant's flood is not another's trouble. */

const floodCalls = 2_000;
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let door: Door;
let http: HttpClient;
let silent: BadServer;

before(async () => {
  silent = opened.use(await startBadServer(() => {})); // takes requests, and says nothing
  obraz = opened.use(await startObraz({ flags: ['--log-level', 'warn'] }));
  door = opened.use(openGrpcDoor(obraz));
  http = opened.use(openHttp(obraz));
});
after(() => opened.disposeAsync());

/** Connections of one who asks. */
function client(connections: number): Agent {
  return opened.adopt(new Agent({ pipelining: 1, connections }), (agent) => agent.destroy());
}

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** Asks over a plain connection. Each call has one of its own. */
async function ask(agent: Agent, path: string, token: string, method: 'GET' | 'POST' = 'GET'): Promise<Answered> {
  const { statusCode, headers, body } = await request(`http://${obraz.endpoint}${path}`, {
    dispatcher: agent,
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  const retryAfter = headers['retry-after'];
  return {
    status: statusCode,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    body: await body.text(),
  };
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${obraz.pid}/status`, 'latin1');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function createDisks(tenant: Tenant, count: number): Promise<string> {
  const disk = { folderId: tenant.folderId, zoneId: 'ru-central1-a', size: 4 * 1024 ** 2 };
  let id = '';
  for (let number = 0; number < count; number += 1) {
    id = (await door.call('DiskService.Create', disk)).body.response.id;
  }
  return id;
}

async function figure(name: string): Promise<number> {
  const text = (await http.ask('/metrics')).bytes.toString();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  assert.ok(line !== undefined, `${name} is not in ${text}`);
  return Number(line.slice(name.length));
}

test('a flood of one tenant is refused at once, with a word on when to come again, and another hardly notices', async (t) => {
  const [flooding, other] = [await createTenant(door, 'flooding'), await createTenant(door, 'other')];
  await createDisks(flooding, 30);
  const diskId = await createDisks(other, 1);
  const agent = client(floodCalls);
  const quiet = client(1);
  const list = `/compute/v1/disks?folderId=${flooding.folderId}`;
  const get = () => ask(quiet, `/compute/v1/disks/${diskId}`, other.token);
  for (let number = 0; number < 3; number += 1) {
    await get();
    await ask(agent, list, flooding.token);
  }
  const before = await residentBytes();

  const flood = Promise.all(Array.from({ length: floodCalls }, () => ask(agent, list, flooding.token)));
  let isOver = false;
  const over = flood.finally(() => {
    isOver = true;
  });
  const tookMs: number[] = [];
  while (!isOver) {
    const begunAt = performance.now();
    const { status, body } = await get();
    tookMs.push(performance.now() - begunAt);
    assert.equal(status, 200, body);
  }
  const answers = await over;
  const peak = await residentBytes();

  const refused = answers.filter(({ status }) => status === 429);
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200 && status !== 429),
    [],
  );
  // How many depends on how fast the connections come.
  assert.ok(refused.length >= 50, `${refused.length} refused`);
  assert.ok(answers.length - refused.length >= 100, 'those that fit were answered');
  for (const { retryAfter, body } of refused) {
    assert.equal(retryAfter, '1');
    const { code, message, details } = JSON.parse(body);
    assert.equal(code, 8);
    assert.match(message, /^Too many calls of yours are under way/);
    const retry = details.find((detail: { '@type': string }) => detail['@type'].endsWith('google.rpc.RetryInfo'));
    assert.equal(retry?.retryDelay, '1s');
  }
  tookMs.sort((a, b) => a - b);
  const median = tookMs[Math.floor(tookMs.length / 2)] ?? 0;
  const grown = peak - before;
  t.diagnostic(
    `${refused.length} refused; ${tookMs.length} Gets, median ${median.toFixed(1)} ms, longest ${tookMs.at(-1)?.toFixed(1)} ms; ${Math.round(grown / 2 ** 20)} MiB more`,
  );
  assert.ok(median < 1_000, `the other's Get took ${median} ms`);
  assert.ok(grown < 200 * 2 ** 20, `${grown} bytes`);
  assert.equal(await figure('obraz_calls_waiting{kind="call"}'), 0);
  assert.equal(await figure('obraz_calls_refused_total{kind="call",limit="caller"}'), refused.length);
});

test('those who wait for operations take no places of those who ask', async () => {
  const tenant = await createTenant(door, 'waiting');
  const { folderId, token } = tenant;
  const { body } = await door.call('ImageService.Create', { folderId, uri: `${silent.origin}/never.raw` });
  const operations = `/compute/v1/projects/${folderId}/global/operations`;
  const agent = client(200);
  const [{ name }] = JSON.parse((await ask(agent, operations, token)).body).items;
  // Many more than may be worked on at a time.
  const waits = Array.from({ length: 120 }, () => ask(agent, `${operations}/${name}/wait`, token, 'POST'));
  while ((await figure('obraz_operation_waits')) < waits.length) await new Promise(setImmediate);
  const begunAt = performance.now();
  const answered = await ask(agent, `${operations}/${name}`, token);
  assert.equal(answered.status, 200, answered.body);
  assert.ok(performance.now() - begunAt < 2_000);
  assert.equal(await figure('obraz_calls_running{kind="call"}'), 0);
  await door.call('OperationService.Cancel', { operationId: body.id });
  for (const { status, body: ended } of await Promise.all(waits)) {
    assert.equal(status, 200);
    assert.equal(JSON.parse(ended).status, 'DONE');
  }
  assert.equal(await figure('obraz_operation_waits'), 0);
});
