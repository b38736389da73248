// What strangers, clients and proxies say about addresses: headers of the PROXY protocol, X-Forwarded-For and Forwarded.
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { APP, RawClient } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { handshake, withTls } from '../support/js/tls.mjs';
import { statusOf } from '../support/js/victim.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const TRUST = ['--trusted-proxies', '127.0.0.1'];
const PROXIED = [...TRUST, '--proxy-protocol'];
const THROTTLE = ['--throttle-private-addresses', '--auth-failures-per-minute', '3'];
const UP = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

const line = (client) => `PROXY TCP4 ${client} 127.0.0.1 51234 6001\r\n`;

/** A header of version 2. `length`: another than that of `rest`. */
function block(command, family, rest, length = rest.length) {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 0xff]), rest]);
}

const addresses = (client) => Buffer.from([...client.split('.').map(Number), 127, 0, 0, 1, 0xc8, 0x22, 0x17, 0x71]);
const field = (type, value) => Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);

/** Sends the pieces one after the other; answers what came back once the node has closed. */
function throwAt(node, pieces, { from, ms = 15_000 } = {}) {
  const back = [];
  return within(ms, 'the node to close the connection', new Promise((resolve) => {
    const socket = net.connect({ ...parts(node.ports.listen), localAddress: from, noDelay: true });
    socket.on('connect', async () => {
      for (const piece of pieces) await new Promise((done) => { socket.write(piece, done); });
    });
    socket.on('data', (part) => back.push(part));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(back).toString('latin1')));
  }));
}

/** The log is written by a thread of its own, a moment later. */
const logged = (node, line) => waitFor(`${line} in the log`, () => line.test(node.log));

/** A WebSocket that a proxy brings with this header. */
const behind = (node, header) => new RawClient(node, undefined, {
  createConnection: () => {
    const socket = net.connect(parts(node.ports.listen));
    socket.write(header);
    return socket;
  },
});

const guess = (headers) => `GET /apps/${APP.appId}/channels?auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}` +
  `&auth_version=1.0&auth_signature=${'0'.repeat(64)} HTTP/1.1\r\nHost: a\r\n${headers}Connection: close\r\n\r\n`;

describe('the PROXY protocol', () => {
  test('names the client in every correct form, whole and byte by byte, and no byte behind it is lost', () => withCluster(1, { args: PROXIED }, async ({ nodes: [node] }) => {
    const headers = [
      line('203.0.113.7'), 'PROXY TCP6 2001:db8::7 ::1 1 2\r\n', 'PROXY UNKNOWN\r\n', `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`,
      block(0x21, 0x11, addresses('203.0.113.7')),
      block(0x21, 0x11, Buffer.concat([addresses('203.0.113.7'), field(0x02, Buffer.from('ws.example.org')), field(0x04, Buffer.alloc(3_000))])),
      block(0x20, 0x00, Buffer.alloc(0)), block(0x21, 0x00, Buffer.alloc(0)), block(0x21, 0x31, Buffer.alloc(216)),
    ].map((header) => Buffer.from(header));
    await Promise.all(headers.flatMap((header) => {
      const whole = Buffer.concat([header, Buffer.from(UP)]);
      const bytes = Array.from(whole.subarray(0, 300), (byte) => Buffer.from([byte]));
      return [[whole], [header, UP], [...bytes, whole.subarray(300)]].map(async (pieces) => {
        assert.equal(statusOf(await throwAt(node, pieces)), 200, header.toString('latin1'));
      });
    }));
    assert.equal(await node.metric('tulle_proxy_headers_refused_total'), 0);
    const raw = await behind(node, headers[4]).open();
    raw.drop();
  }));

  test('anything else is closed unanswered and counted', () => withCluster(1, { args: PROXIED }, async ({ nodes: [node] }) => {
    const wrong = [
      UP, '\x16\x03\x01\x02\x00\x01\x00', 'PROXY\r\n', 'PROXY TCP4 1.2.3.4\r\n', line('1.2.3.256'), `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
      `PROXY ${'x'.repeat(100_000)}`, block(0x31, 0x11, addresses('1.2.3.4')), block(0x21, 0x11, Buffer.alloc(11)),
      block(0x21, 0x11, Buffer.concat([addresses('1.2.3.4'), Buffer.from([2, 0xff, 0xff])])), block(0x20, 0x00, Buffer.alloc(0), 65_535),
    ];
    const requests = await node.metric('tulle_http_requests_total');
    for (const bytes of wrong) assert.equal(await throwAt(node, [bytes, UP]), '', String(bytes).slice(0, 50));
    assert.equal(await node.metric('tulle_proxy_headers_refused_total'), wrong.length);
    assert.equal(await node.metric('tulle_http_requests_total'), requests, 'nothing behind them was read as a request');
    await logged(node, /127\.0\.0\.1 was closed.*sent something else/);
    assert.equal(node.log.split('told once a minute').length, 2, 'told once');
  }));

  test('a connection from elsewhere is closed, whatever it says', () => withCluster(1, { args: PROXIED }, async ({ nodes: [node] }) => {
    for (const bytes of [line('203.0.113.7') + UP, UP, '']) assert.equal(await throwAt(node, [bytes], { from: '127.0.0.9' }), '');
    assert.equal(await node.metric('tulle_proxy_senders_refused_total'), 3);
    await logged(node, /127\.0\.0\.9 was closed.*is not in trusted_proxies/);
  }));

  test('a trusted IPv4 address is known on a listener of IPv6 too', () => withCluster(1, { start: false, args: PROXIED }, async ({ nodes: [node] }) => {
    node.addresses = { ...node.addresses, listen: '[::]:0' };
    node.env = { TULLE_APP_ID: APP.appId, TULLE_APP_KEY: APP.key, TULLE_APP_SECRET: APP.secret };
    node.launch();
    await node.ready();
    const { port } = parts(node.ports.listen);
    const by = (host) => ({ ports: { listen: `${host}:${port}` } });
    assert.equal(statusOf(await throwAt(by('127.0.0.1'), [line('203.0.113.7') + UP])), 200);
    assert.equal(await throwAt(by('127.0.0.1'), [line('203.0.113.7') + UP], { from: '127.0.0.9' }), '');
    assert.equal(await throwAt(by('[::1]'), [line('203.0.113.7') + UP]), '');
    await logged(node, /(127\.0\.0\.9|::1) was closed.*is not in trusted_proxies/);
    assert.equal(await node.metric('tulle_proxy_senders_refused_total'), 2);
  }));

  test('a header that does not come in time ends its connection; checks of the port are no errors', () => withCluster(1, { args: PROXIED }, async ({ nodes: [node] }) => {
    const begun = performance.now();
    const late = [[''], ['PROXY TCP4 '], [SIGNATURE]].map((pieces) => throwAt(node, pieces));
    for (let i = 0; i < 20; ++i) {
      await new Promise((resolve) => { net.connect(parts(node.ports.listen), function connected() { this.end(); }).resume().on('close', resolve); });
    }
    for (const end of late) assert.equal(await end, '');
    assert.ok(performance.now() - begun >= 4_500);
    assert.equal(await node.metric('tulle_proxy_headers_refused_total'), 3);
  }));

  test('500 connections whose header never comes keep nobody out', () => withCluster(1, { args: PROXIED }, async ({ nodes: [node] }) => {
    const idle = Array.from({ length: 500 }, () => net.connect(parts(node.ports.listen)).on('error', () => {}));
    idle.forEach((socket) => socket.write('PROXY '));
    await waitFor('all of them to be there', async () => await node.metric('tulle_sockets') >= 500);
    const raw = await behind(node, line('203.0.113.7')).open();
    assert.equal(statusOf(await throwAt(node, [line('203.0.113.8') + UP])), 200);
    idle.forEach((socket) => socket.destroy());
    await waitFor('their end', async () => await node.metric('tulle_sockets') === 1);
    raw.drop();
  }));

  test('one address may have so many connections, whichever proxy brings them', () => withCluster(1, {
    args: [...PROXIED, '--max-connections-per-address', '2'],
  }, async ({ nodes: [node] }) => {
    const raws = [await behind(node, line('203.0.113.7')).open(), await behind(node, block(0x21, 0x11, addresses('203.0.113.7'))).open()];
    assert.equal(await throwAt(node, [line('203.0.113.7') + UP]), '');
    assert.equal(await node.metric('tulle_address_capped_total'), 1);
    assert.equal(statusOf(await throwAt(node, [line('203.0.113.8') + UP])), 200);
    assert.equal(statusOf(await throwAt(node, [`PROXY UNKNOWN\r\n${UP}`])), 200, 'the proxy itself has no limit');
    raws[0].socket.close(1000);
    await raws[0].end();
    await waitFor('room', async () => statusOf(await throwAt(node, [line('203.0.113.7') + UP])) === 200);
    raws.forEach((raw) => raw.drop());
  }));
});

describe('the PROXY protocol before TLS', () => {
  const ARGS = [...TRUST, ...THROTTLE, '--tls-proxy-protocol'];

  /** A TLS connection behind the pieces of a header; rejects when there is no handshake. */
  const secured = async (node, ca, pieces) => {
    const socket = net.connect({ ...parts(node.ports.tls_listen), noDelay: true }).on('error', () => {});
    for (const piece of pieces) await new Promise((done) => { socket.write(piece, done); });
    return handshake({ socket, ca, servername: 'localhost' });
  };

  /** The status of the answer to a request that ends the connection. */
  const statusBehind = async (socket, text) => {
    let said = '';
    socket.on('data', (part) => { said += part; });
    socket.write(text);
    await within(10_000, 'the end of the connection', new Promise((resolve) => { socket.on('close', resolve); }));
    return statusOf(said);
  };

  test('names the client of an encrypted connection, however the header comes', () => withTls(1, async ({ nodes: [node], ca }) => {
    const header = block(0x21, 0x11, addresses('203.0.113.7'));
    for (const pieces of [[header], Array.from(header, (byte) => Buffer.from([byte])), [line('203.0.113.7')]]) {
      assert.equal(await statusBehind(await secured(node, ca, pieces), guess('')), 401);
    }
    assert.equal(await statusBehind(await secured(node, ca, [header]), guess('X-Forwarded-For: 203.0.113.8\r\n')), 429);
    assert.equal(await statusBehind(await secured(node, ca, [line('203.0.113.8')]), guess('')), 401);
    await logged(node, /203\.0\.113\.7 has sent too many wrong signatures/);
    assert.equal((await request(node.ports.listen, '/up')).status, 200, 'the other listener expects no header');
  }, { args: ARGS }));

  test('a handshake without a header is closed and counted', () => withTls(1, async ({ nodes: [node], ca }) => {
    await assert.rejects(secured(node, ca, []));
    await assert.rejects(secured(node, ca, ['PROXY TCP4 1.2.3.4\r\n']));
    assert.equal(await node.metric('tulle_proxy_headers_refused_total'), 2);
    assert.equal(await node.metric('tulle_tls_handshakes_total'), 0);
  }, { args: ARGS }));
});

describe('X-Forwarded-For and Forwarded', () => {
  /** How often each address may still send a wrong signature before 429: found out by sending them. */
  const statusesOf = async (node, headers, count, from) => {
    const statuses = [];
    for (let i = 0; i < count; ++i) statuses.push(statusOf(await throwAt(node, [guess(headers)], { from })));
    return statuses;
  };

  test('only the last address that is no trusted proxy counts, however long the list', () => withCluster(1, { args: [...TRUST, ...THROTTLE] }, async ({ nodes: [node] }) => {
    const forged = 'X-Forwarded-For: ' + '198.51.100.9, '.repeat(1_000);
    assert.deepEqual(await statusesOf(node, `${forged}203.0.113.7\r\n`, 4), [401, 401, 401, 429]);
    assert.deepEqual(await statusesOf(node, 'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 127.0.0.1\r\n', 1), [429]);
    assert.deepEqual(await statusesOf(node, 'X-Forwarded-For: 203.0.113.7, 198.51.100.9\r\n', 1), [401]);
    assert.deepEqual(await statusesOf(node, `${'X-Forwarded-For: 198.51.100.9\r\n'.repeat(100)}X-Forwarded-For: [203.0.113.7]\r\n`, 1), [401], 'garbage is nobody');
    await logged(node, /203\.0\.113\.7 has sent too many wrong signatures/);
    assert.doesNotMatch(node.log, /198\.51\.100\.9 has sent/);
  }));

  test('strangers name nobody, and neither header is looked at when the other is configured', async () => {
    await withCluster(1, { args: [...TRUST, ...THROTTLE] }, async ({ nodes: [node] }) => {
      const lies = ['X-Forwarded-For: 203.0.113.1\r\n', 'X-Forwarded-For: 203.0.113.2\r\n', 'Forwarded: for=203.0.113.3\r\n'];
      for (const lie of lies) assert.deepEqual(await statusesOf(node, lie, 1, '127.0.0.9'), [401]);
      assert.deepEqual(await statusesOf(node, 'X-Forwarded-For: 203.0.113.4\r\n', 1, '127.0.0.9'), [429]);
      await logged(node, /127\.0\.0\.9 has sent too many/);
    });
    await withCluster(1, { args: [...TRUST, ...THROTTLE, '--forwarded-header', 'forwarded'] }, async ({ nodes: [node] }) => {
      const forwarded = 'Forwarded: for="[2001:db8::7]:1";proto=https, for=127.0.0.1\r\n';
      assert.deepEqual(await statusesOf(node, `X-Forwarded-For: 203.0.113.1\r\n${forwarded}`, 4), [401, 401, 401, 429]);
      assert.deepEqual(await statusesOf(node, 'Forwarded: for="198.51.100.9, for=203.0.113.1\r\n', 4), [401, 401, 401, 429]);
      await logged(node, /2001:db8::\/64 has sent too many/);
    });
  });

  test('one address may have so many WebSockets behind a proxy; a further one gets 429', () => withCluster(1, {
    args: [...TRUST, '--max-connections-per-address', '2'],
  }, async ({ nodes: [node] }) => {
    const through = (client) => new RawClient(node, undefined, { headers: { 'X-Forwarded-For': client } });
    const raws = [await through('203.0.113.7').open(), await through('198.51.100.9, 203.0.113.7').open()];
    const refused = through('203.0.113.7');
    await refused.closed;
    assert.match(refused.error.message, /429/);
    assert.equal(await node.metric('tulle_address_capped_total'), 1);
    raws.push(await through('203.0.113.8').open());
    for (let i = 0; i < 3; ++i) raws.push(await new RawClient(node).open());
    assert.equal(await node.metric('tulle_forwarded_missing_total'), 3, 'a proxy that names nobody is counted, and has no limit');
    assert.equal((await request(node.ports.listen, '/up', { from: '127.0.0.9' })).status, 200);
    raws.forEach((raw) => raw.drop());
  }));
});
