import assert from 'node:assert/strict';
import test from 'node:test';
import { formatHostPort, isLoopback, parseHostPort, reachable } from './host-port.ts';

test('reads names, IPv4 and bracketed IPv6 addresses, and writes them back as they were', () => {
  for (const text of ['localhost:8443', '127.0.0.1:0', '[::1]:65535', 'images.example.com:443', '[fe80::1%eth0]:1']) {
    const parsed = parseHostPort(text);
    assert.ok(parsed !== undefined, text);
    assert.equal(formatHostPort(parsed), text);
  }
});

test('reads nothing else', () => {
  for (const text of ['', 'localhost', ':8443', '::1:8443', 'localhost:', 'localhost:65536', 'a b:1', 'http://a:1']) {
    assert.equal(parseHostPort(text), undefined, text);
  }
});

test('knows what only this machine can reach', () => {
  assert.ok(isLoopback('127.8.0.1') && isLoopback('::1') && isLoopback('localhost'));
  assert.ok(!isLoopback('0.0.0.0') && !isLoopback('127.0.0.1.example.com') && !isLoopback('10.0.0.1'));
});

test('reaches a server that listens everywhere by the name of this machine', () => {
  assert.deepEqual(reachable({ host: '0.0.0.0', port: 1 }), { host: 'localhost', port: 1 });
  assert.deepEqual(reachable({ host: '::1', port: 1 }), { host: '::1', port: 1 });
});
