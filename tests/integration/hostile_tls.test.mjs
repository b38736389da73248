// What strangers do to the TLS listener before they are clients, and to TLS when they are.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { parts } from '../support/js/http.mjs';
import { generator } from '../support/js/random.mjs';
import { SecureClient, get, handshake, trust, withTls } from '../support/js/tls.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const exec = promisify(execFile);

/** The bytes with which node:tls begins a handshake. */
function clientHello() {
  return new Promise((resolve) => {
    const wire = new Duplex({ read() {}, write(bytes, _, done) { resolve(bytes); done(); } });
    tls.connect({ socket: wire, servername: 'localhost' }).on('error', () => {});
  });
}

/** A bare connection to the TLS listener; `got` grows as bytes come. */
function bare(node) {
  const socket = net.connect(parts(node.ports.tls_listen));
  socket.got = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (bytes) => { socket.got = Buffer.concat([socket.got, bytes]); });
  socket.ended = new Promise((resolve) => { socket.on('close', resolve); });
  return socket;
}

const counted = (node, outcome, least) => waitFor(`${least} ${outcome}`,
  async () => await node.metric(`tulle_tls_handshake${outcome}_total`) >= least);

/** Runs `openssl s_client` against the node; answers all that it says. */
const openssl = (node, ...args) => exec('openssl', ['s_client', '-connect', node.ports.tls_listen, ...args], { timeout: 10_000 })
  .then(({ stdout, stderr }) => stdout + stderr, (error) => `${error.stdout}${error.stderr}`);

describe('strangers at the TLS listener', () => {
  test('old versions, other protocols, garbage and plain HTTP are refused and counted, and clients go on',
    () => withTls(1, async ({ nodes: [node], ca }) => {
      const client = await new SecureClient(node, ca).open();
      const old = await openssl(node, '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0');
      assert.match(old, /alert protocol version/);
      const h2 = await openssl(node, '-alpn', 'h2');
      assert.match(h2, /alert no application protocol/);
      const weak = await openssl(node, '-tls1_2', '-cipher', 'AES128-SHA');
      assert.match(weak, /alert handshake failure/);
      await counted(node, '_failures', 3);

      const http = bare(node);
      http.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await within(10_000, 'the end of plain HTTP', http.ended);
      assert.match(http.got.toString(), /^HTTP\/1\.1 400 [\s\S]*this port speaks TLS: use https/);

      const random = generator(7);
      for (let i = 0; i < 50; ++i) {
        const socket = bare(node);
        socket.write(Buffer.from(Array.from({ length: 1 + random(400) }, () => random(256))));
        socket.end();
        await within(10_000, 'the end of garbage', socket.ended);
      }
      const refused = await node.metric('tulle_tls_handshake_failures_total');
      assert.equal(refused + await node.metric('tulle_tls_handshake_departures_total'), 3 + 1 + 50);
      client.send({ event: 'pusher:ping', data: {} });
      await client.next('pusher:pong');
      client.drop();
    }));

  test('renegotiation is refused', () => withTls(1, async ({ nodes: [node] }) => {
    const child = spawn('openssl', ['s_client', '-connect', node.ports.tls_listen, '-tls1_2']);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
    await waitFor('the handshake', () => said.includes('Verify return code'));
    child.stdin.write('R\n');
    await within(10_000, 'the end of openssl', once(child, 'exit'));
    assert.match(said, /no renegotiation/);
  }));

  test('peers that say nothing do not keep clients out, and are closed in time', () => withTls(1, async ({ nodes: [node], ca }) => {
    const silent = Array.from({ length: 200 }, () => bare(node));
    await waitFor('them to be there', async () => await node.metric('tulle_tls_handshakes') === 200);
    assert.equal((await get(trust(node, ca), '/up')).status, 200);
    await within(15_000, 'their end', Promise.all(silent.map(({ ended }) => ended)));
    await counted(node, '_timeouts', 200);
    assert.equal(await node.metric('tulle_tls_handshakes'), 0);
  }));

  test('peers that begin a handshake and stop make way for those who wait', () => withTls(1, async ({ nodes: [node], ca }) => {
    const hello = await clientHello();
    const stalled = Array.from({ length: 150 }, () => {
      const socket = bare(node);
      socket.write(hello);
      return socket;
    });
    await waitFor('all places to be taken', () => stalled.filter(({ got }) => got.length > 0).length >= 64);
    // 86 wait before this one for a place: the places are taken over twice.
    assert.equal((await within(10_000, 'a client', get(trust(node, ca), '/up'))).status, 200);
    await within(15_000, 'their end', Promise.all(stalled.map(({ ended }) => ended)));
    await counted(node, '_timeouts', 150);
  }, { args: ['--shards', '1'] }));

  test('a crowd that begins handshakes and stops does not hold up who comes later', () => withTls(1, async ({ nodes: [node], ca }) => {
    const hello = await clientHello();
    const crowd = Array.from({ length: 900 }, () => {
      const socket = bare(node);
      socket.write(hello);
      return socket;
    });
    await waitFor('the crowd to be there', async () => await node.metric('tulle_tls_handshakes') >= 800);
    // In the order of arrival the crowd would take 14 s: 64 a second make way.
    const began = Date.now();
    assert.equal((await within(10_000, 'a client', get(trust(node, ca), '/up'))).status, 200);
    const waited = Date.now() - began;
    const left = await node.metric('tulle_tls_handshakes');
    assert.ok(left > 300, `${left} of the crowd were left after ${waited} ms`);
    crowd.forEach((socket) => socket.destroy());
  }, { args: ['--shards', '1'] }));

  test('a handshake byte by byte is cut at its deadline', () => withTls(1, async ({ nodes: [node] }) => {
    const hello = await clientHello();
    const slow = bare(node);
    let at = 0;
    const timer = setInterval(() => slow.write(hello.subarray(at, ++at)), 50);
    await within(12_000, 'the end of the slow one', slow.ended);
    clearInterval(timer);
    await counted(node, '_timeouts', 1);
  }));

  test('peers that have hung up cost no signature', () => withTls(1, async ({ nodes: [node] }) => {
    const hello = await clientHello();
    const gone = Array.from({ length: 20 }, () => bare(node).end(hello));
    await within(10_000, 'their end', Promise.all(gone.map(({ ended }) => ended)));
    await counted(node, '_departures', 20);
    assert.equal(await node.metric('tulle_tls_handshakes_total'), 0);
  }));

  test('a full node ends a silent peer for a client', () => withTls(1, async ({ nodes: [node], ca }) => {
    const silent = Array.from({ length: 16 }, () => bare(node));
    await waitFor('them to be there', async () => await node.metric('tulle_tls_handshakes') === 16);
    assert.equal((await get(trust(node, ca), '/up')).status, 200);
    await counted(node, 's_ended', 1);
    silent.forEach((socket) => socket.destroy());
  }, { args: ['--max-connections', '16', '--shards', '1'] }));

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`${version}: bytes that are no record, or a changed record, end their connection alone`,
      () => withTls(1, async ({ nodes: [node], ca }) => {
        const client = await new SecureClient(node, ca).open();
        for (const wrong of [Buffer.alloc(64, 0x55), Buffer.from([0x17, 3, 3, 0, 32, ...Array(32).fill(7)]), Buffer.from([0x17, 3, 3, 0xff, 0xff, 1])]) {
          const wire = net.connect(parts(node.ports.tls_listen));
          const socket = await handshake({ socket: wire, ca, servername: 'localhost', minVersion: version, maxVersion: version });
          socket.on('error', () => {});
          socket.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
          await once(socket, 'data');
          wire.write(wrong);
          await within(10_000, 'the end of the connection', once(wire, 'close'));
        }
        client.send({ event: 'pusher:ping', data: {} });
        await client.next('pusher:pong');
        assert.equal(await node.metric('tulle_failures_total'), 0);
        client.drop();
      }));
  }
});
