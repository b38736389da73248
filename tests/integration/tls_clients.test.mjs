// Clients of the TLS listener: the official ones, curl and openssl; and what TLS does to bytes in both directions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { RawClient, server } from '../support/js/clients.mjs';
import { upgrade } from '../support/js/frames.mjs';
import { parts, request } from '../support/js/http.mjs';
import { PROJECT } from '../support/js/process.mjs';
import { SecureClient, get, handshake, trust, withTls } from '../support/js/tls.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const exec = promisify(execFile);
const portOf = (node) => parts(node.ports.tls_listen).port;

const subscribe = async (client, channel) => {
  client.send({ event: 'pusher:subscribe', data: { channel } });
  await client.next('pusher_internal:subscription_succeeded');
};

describe('clients over TLS', () => {
  test('the official client and server kit, and a plain client beside them', () => withTls(2, async ({ nodes: [n1, n2], authority }) => {
    const plain = await new RawClient(n2).open();
    await subscribe(plain, 'news');
    const { stdout } = await exec(process.execPath,
      [path.join(PROJECT, 'tests/support/js/official_over_tls.mjs'), String(portOf(n1))],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.ca }, timeout: 20_000 });
    assert.deepEqual(JSON.parse(stdout), [{ n: 1 }]);
    await server(n1).trigger('news', 'tick', 'by http');
    assert.equal((await plain.next('tick')).data, 'by http');
    plain.drop();
  }));

  test('curl publishes and reads; the port without TLS goes on', () => withTls(1, async ({ nodes: [node], authority }) => {
    const { stdout } = await exec('curl', ['-sS', '--cacert', authority.ca, '--resolve', `localhost:${portOf(node)}:127.0.0.1`,
      `https://localhost:${portOf(node)}/up`]);
    assert.equal(stdout.trim(), 'OK');
    assert.equal((await request(node.ports.listen, '/up')).status, 200);
  }));

  test('large messages in both directions arrive whole', () => withTls(1, async ({ nodes: [node], ca }) => {
    const client = await new SecureClient(node, ca).open();
    await subscribe(client, 'large');
    const sizes = [1, 1_300, 16_384, 16_385, 49_152, 90_000];
    for (const size of sizes) {
      await server(node).trigger('large', `e${size}`, 'x'.repeat(size));
    }
    for (const size of sizes) {
      assert.equal((await client.next(`e${size}`)).data.length, size);
    }
    // What a client sends: a frame of several records, whose answer quotes nothing but comes at all.
    client.send({ event: 'pusher:ping', data: { pad: 'y'.repeat(60_000) } });
    await client.next('pusher:pong');
    client.drop();
  }));

  test('a burst of frames for a client that reads slowly arrives whole and in order', () => withTls(1, async ({ nodes: [node], ca }) => {
    const client = await new SecureClient(node, ca).open();
    await subscribe(client, 'burst');
    client.socket.pause();
    const count = 60;
    for (let i = 0; i < count; i += 10) {
      await server(node).triggerBatch(Array.from({ length: 10 }, (_, j) => ({
        channel: 'burst', name: 'tick', data: JSON.stringify({ n: i + j, pad: 'z'.repeat(9_000) }),
      })));
    }
    client.socket.resume();
    await waitFor('every frame', () => client.frames.filter(({ event }) => event === 'tick').length === count);
    assert.deepEqual(client.frames.filter(({ event }) => event === 'tick').map(({ data }) => JSON.parse(data).n),
      Array.from({ length: count }, (_, n) => n));
    client.drop();
  }));

  test('a client over TLS that takes nothing is closed as too slow, and the others get everything',
    () => withTls(1, async ({ nodes: [node], ca }) => {
      const stuck = await new SecureClient(node, ca).open();
      const quick = await new SecureClient(node, ca).open();
      for (const client of [stuck, quick]) await subscribe(client, 'flood');
      stuck.socket.pause();
      let sent = 0;
      await waitFor('the slow client to be given up', async () => {
        await server(node).triggerBatch(Array.from({ length: 10 }, () => ({
          channel: 'flood', name: 'tick', data: JSON.stringify({ pad: 'w'.repeat(9_000) }),
        })));
        sent += 10;
        return await node.metric('tulle_slow_clients_total') === 1;
      }, { ms: 30_000, every: 1 });
      await waitFor('the quick client to have all', () => quick.frames.filter(({ event }) => event === 'tick').length === sent);
      stuck.drop();
      quick.drop();
    }));

  test('the node ends a connection in order: Close frame, then the end of TLS', () => withTls(2, async ({ nodes: [n1], ca }) => {
    const client = await new SecureClient(n1, ca).open();
    n1.program.kill('SIGTERM');
    assert.equal((await client.end()).code, 4200);
    assert.equal(client.error, undefined);
    await n1.gone();
  }));

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`${version}: a session of one node is taken up at another, also after the death of its own`, () => withTls(2, async ({ nodes: [n1, n2], ca }) => {
      const options = { minVersion: version, maxVersion: version };
      const answered = async (node, more = {}) => {
        const socket = tls.connect(trust(node, ca, { ...options, ...more }));
        const ticket = version === 'TLSv1.3' ? once(socket, 'session') : null;
        await within(10_000, 'the handshake', once(socket, 'secureConnect'));
        socket.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
        await within(10_000, 'an answer', once(socket, 'data'));
        const session = ticket === null ? socket.getSession() : (await within(10_000, 'a ticket', ticket))[0];
        const isReused = socket.isSessionReused();
        socket.destroy();
        return { session, isReused };
      };
      const first = await answered(n1);
      assert.equal(first.isReused, false);
      await n1.kill();
      const second = await answered(n2, { session: first.session });
      assert.equal(second.isReused, true);
      // A client of TLS 1.3 uses each ticket once: it has got another.
      assert.equal((await answered(n2, { session: second.session })).isReused, true);
      assert.equal(await n2.metric('tulle_tls_resumptions_total'), 2);
    }));
  }

  test('behind a balancer that passes TLS on: the PROXY header comes first and names the client', () => withTls(1, async ({ nodes: [node], ca }) => {
    const behind = async (header) => {
      const wire = net.connect(parts(node.ports.tls_listen));
      wire.on('error', () => {});
      wire.write(header);
      return handshake({ socket: wire, ca, servername: 'localhost' });
    };
    const open = async (client) => {
      const socket = await behind(`PROXY TCP4 ${client} 127.0.0.1 51234 443\r\n`);
      socket.on('error', () => {});
      socket.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.match((await once(socket, 'data')).toString(), /^HTTP\/1\.1 200 /);
      return socket;
    };
    const first = await open('203.0.113.7');
    await assert.rejects(open('203.0.113.7'), 'one connection of an address');
    const other = await open('203.0.113.8');
    await assert.rejects(behind(''), 'a handshake without a header');
    await waitFor('the refusal', async () => await node.metric('tulle_proxy_headers_refused_total') === 1);
    assert.equal((await request(node.ports.listen, '/up')).status, 200); // without TLS no header is expected
    first.destroy();
    other.destroy();
  }, { args: ['--trusted-proxies', '127.0.0.1', '--tls-proxy-protocol', '--max-connections-per-address', '1'] }));

  test('requests in a row, pipelined ones and one that ends the connection', () => withTls(1, async ({ nodes: [node], ca }) => {
    const socket = await handshake(trust(node, ca));
    let text = '';
    socket.on('data', (bytes) => { text += bytes; });
    const answers = () => text.split('HTTP/1.1 200 OK').length - 1;
    socket.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitFor('an answer', () => answers() === 1);
    socket.write('GET /up HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5));
    await waitFor('five more', () => answers() === 6);
    socket.write('GET /up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'end'); // close_notify, not a cut
    assert.equal(answers(), 7);
  }));

  test('the first request may come together with the end of the handshake, and byte by byte', () => withTls(1, async ({ nodes: [node], ca }) => {
    assert.equal((await get(trust(node, ca), '/up')).status, 200);
    const socket = await handshake(trust(node, ca));
    let text = '';
    socket.on('data', (bytes) => { text += bytes; });
    for (const character of upgrade()) {
      socket.write(character);
    }
    await waitFor('the greeting', () => text.includes('pusher:connection_established'));
    assert.match(text, /^HTTP\/1\.1 101 /);
    socket.destroy();
  }));
});
