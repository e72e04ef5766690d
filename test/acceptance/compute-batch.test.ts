import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type Door, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** Batches as gcloud sends them, to a started service. */

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;
let http: HttpClient;
let door: Door;

before(async () => {
  files = await startFileServer();
  obraz = await startObraz({ flags: ['--object-store', files.origin] });
  compute = openCompute(obraz);
  http = openHttp(obraz);
  door = openRestDoor(obraz);
});
after(async () => {
  for (const opened of [door, http, compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

const boundary = '===============1236682205412010711==';

/** The bytes of gcloud 528: line feeds alone, a token on the outside only, headers that say nothing. */
function batchOf(requests: readonly string[]): string {
  const parts = requests.map((request, index) =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: binary',
      `Content-ID: <b336309c-d159-443c-904a-9b96e2995082+${index}>`,
      '',
      `${request} HTTP/1.1`,
      'Content-Type: application/json',
      'MIME-Version: 1.0',
      'content-length: 0',
      'user-agent: google-cloud-sdk',
      'accept: application/json',
      'accept-encoding: gzip, deflate',
      'Host: 127.0.0.1:1',
      '',
      '',
      '',
    ].join('\n'),
  );
  return `${parts.join('')}--${boundary}--`;
}

/** The JSON of each answer, by the number at the end of its Content-ID. */
async function ask(requests: readonly string[], expected: number) {
  const answer = await http.ask('/batch/compute/v1', {
    method: 'POST',
    headers: { 'content-type': `multipart/mixed; boundary="${boundary}"` },
    body: batchOf(requests),
  });
  assert.equal(answer.status, 200);
  const parts = answer.bytes.toString().split(/--batch_[\w-]+(?:--)?\r\n/);
  return requests.map((request, index) => {
    const part = parts.find((text) =>
      text.includes(`\r\nContent-ID: <response-b336309c-d159-443c-904a-9b96e2995082+${index}>`),
    );
    const [, status, body] = /\r\n\r\nHTTP\/1\.1 (\d+) [\s\S]*?\r\n\r\n([\s\S]*)$/.exec(part ?? '') ?? [];
    assert.equal(Number(status), expected, `${request}: ${part}`);
    return JSON.parse(body ?? '');
  });
}

test('gcloud lists its own and the public projects, deletes two images and waits for both, in batches', async () => {
  files.put('bucket/one.tar.gz', rawTarball(noise(65_536, 1)));
  const source = 'https://storage.googleapis.com/bucket/one.tar.gz';
  const made = await compute.change('POST', 'global/images', { body: { name: 'one', rawDisk: { source } } });
  assert.equal(made.error, undefined);
  const sourceImage = 'global/images/one';
  await compute.change('POST', 'global/images', { body: { name: 'two', sourceImage } });
  const images = (project: string) => `/compute/v1/projects/${project}/global/images`;

  const filter = '?alt=json&filter=name+ne+%22.%2A%5Cbnone%5Cb.%2A%22&maxResults=500';
  const lists = await ask([`GET ${images('debian-cloud')}${filter}`, `GET ${images(compute.project)}${filter}`], 200);
  assert.equal(lists[0].items, undefined);
  assert.deepEqual(
    lists[1].items.map(({ name }: { name: string }) => name),
    ['one', 'two'],
  );

  const names = ['one', 'two'];
  const deleted = await ask(
    names.map((name) => `DELETE ${images(compute.project)}/${name}?alt=json`),
    200,
  );
  const waited = await ask(
    deleted.map(({ name }) => `POST /compute/v1/projects/${compute.project}/global/operations/${name}/wait?alt=json`),
    200,
  );
  assert.deepEqual(
    waited.map(({ operationType, status, targetLink }) => [operationType, status, targetLink.split('/').at(-1)]),
    names.map((name) => ['delete', 'DONE', name]),
  );
  const gone = await ask([`GET ${images(compute.project)}/one`], 404);
  assert.equal(gone[0].error.errors[0].reason, 'notFound');

  // Each is a call of its own, by who sent the batch, from where it came.
  const { body } = await door.call('AuditService.List', { pageSize: 100 });
  const records = body.records.filter(({ method }: { method: string }) => method.endsWith('Images/Delete'));
  assert.equal(records.length, 2, JSON.stringify(body));
  assert.equal(new Set(records.map(({ requestId }: { requestId: string }) => requestId)).size, 2);
  for (const { peer, userAgent } of records) {
    assert.match(peer, /127\.0\.0\.1/);
    assert.equal(userAgent, 'google-cloud-sdk');
  }
});
