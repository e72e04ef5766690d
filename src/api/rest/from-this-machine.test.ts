import assert from 'node:assert/strict';
import test from 'node:test';
import { isFromThisMachine } from './from-this-machine.ts';

const here = { socket: { remoteAddress: '127.0.0.1' } };

test('who asks on this machine, for this machine, is from here', () => {
  for (const host of ['127.0.0.1:8443', 'localhost', 'localhost:8443', '[::1]:8443', '127.0.0.9']) {
    assert.ok(isFromThisMachine({ ...here, headers: { host } }), host);
  }
  for (const remoteAddress of ['::1', '::ffff:127.0.0.1']) {
    assert.ok(isFromThisMachine({ socket: { remoteAddress }, headers: { host: 'localhost' } }), remoteAddress);
  }
});

test('who is elsewhere is not, whatever he says', () => {
  for (const remoteAddress of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '']) {
    assert.ok(!isFromThisMachine({ socket: { remoteAddress }, headers: { host: 'localhost' } }), remoteAddress);
  }
});

test('nor is who comes by a proxy here, or a page in a browser here that means another name', () => {
  for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip']) {
    assert.ok(!isFromThisMachine({ ...here, headers: { host: 'localhost', [name]: '127.0.0.1' } }), name);
  }
  for (const host of ['rebound.example.com:8443', 'localhost.example.com', '', '::']) {
    assert.ok(!isFromThisMachine({ ...here, headers: { host } }), host);
  }
});
