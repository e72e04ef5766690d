import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * A plain web server for the files of a folder, as decent as object stores are: ranges, ETag, If-Range. A process of its
 * own, so that its work is nobody else's. Arguments: the folder. Prints its origin, and ends with its standard input.
 */
const folder = process.argv[2] ?? '.';

/** Larger pieces bring no more over loop-back. */
const pieceBytes = 512 * 1024;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = new URL(request.url ?? '/', 'http://x').pathname.slice(1);
  await using file = await open(join(folder, name.replaceAll('/', '')), 'r');
  const { size, mtimeMs } = await file.stat();
  const etag = `"${size.toString(16)}-${mtimeMs.toString(16)}"`;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const ifRange = request.headers['if-range'] ?? etag;
  const headers = { etag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' };
  let start = 0;
  let end = size;
  if (range !== null && ifRange === etag) {
    start = Number(range[1]);
    end = Math.min(range[2] === '' ? size : Number(range[2]) + 1, size);
    response.writeHead(206, {
      ...headers,
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${size}`,
    });
  } else {
    response.writeHead(200, { ...headers, 'content-length': size });
  }
  if (request.method === 'HEAD' || start >= end) {
    response.end();
    return;
  }
  await pipeline(file.createReadStream({ start, end: end - 1, highWaterMark: pieceBytes, autoClose: false }), response);
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => {
    // No such file, or the client went away.
    if (response.headersSent) response.destroy();
    else response.writeHead(404).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // listening on TCP: never a pipe's name
  console.log(`http://127.0.0.1:${port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
