// What no good client would send: a clear error or a closed connection, the process alive, everybody else undisturbed.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { APP, RawClient, client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';
import { claimedLength, handshake, message, peer } from '../support/js/zmtp.mjs';

const MEGABYTE = 1 << 20;
let cluster;
let n1;
let n2;
let bystander;
let received;
let published = 0;

before(async () => {
  cluster = await Cluster.create(2, { keys: false }); // as strangers speak plain ZMTP here
  [n1, n2] = cluster.nodes;
  await cluster.start();
  bystander = client(n1);
  received = inbox(await subscribed(bystander, 'bystander'), 'tick');
});

after(async () => {
  bystander?.disconnect();
  await cluster?.stop();
});

/** Both nodes live, see each other, and the bystander at n1 gets what is published at n2: once, in order, all of it. */
async function undisturbed() {
  for (const node of cluster.nodes) assert.ok(!node.program.hasEnded, node.log);
  for (let i = 0; i < 5; ++i) await server(n2).trigger('bystander', 'tick', { n: ++published });
  await waitFor('the events for the bystander', () => received.length >= published);
  assert.deepEqual(received.map(({ n }) => n), Array.from({ length: published }, (_, i) => i + 1));
  assert.equal(bystander.connection.state, 'connected');
  assert.equal(await n1.stateOf('n2'), 'alive');
  assert.equal(await n2.stateOf('n1'), 'alive');
}

/** Sends bytes to an address; answers what came back once the node has closed, and how long that took. */
function throwAt(address, bytes, ms = 15_000) {
  const bytesBack = [];
  return within(ms, `${address} to close the connection`, new Promise((resolve, reject) => {
    const socket = net.connect(parts(address), () => { if (bytes) socket.write(bytes); });
    socket.on('data', (part) => bytesBack.push(part));
    socket.on('error', (error) => { if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error); });
    socket.on('close', () => resolve(Buffer.concat(bytesBack).toString('latin1')));
  }));
}

async function residentMegabytes(node) {
  const text = await fs.readFile(`/proc/${node.program.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)[1]) / 1024;
}

/** The query of a signed request, with whatever is to be wrong in it. */
function signed(path, body, { secret = APP.secret, timestamp = Math.floor(Date.now() / 1000), md5 } = {}) {
  const parameters = [
    `auth_key=${APP.key}`, `auth_timestamp=${timestamp}`, 'auth_version=1.0',
    `body_md5=${md5 ?? crypto.createHash('md5').update(body).digest('hex')}`,
  ].join('&');
  const signature = crypto.createHmac('sha256', secret).update(`POST\n${path}\n${parameters}`).digest('hex');
  return `${path}?${parameters}&auth_signature=${signature}`;
}

const EVENTS = '/apps/app-id/events';
const post = (body, wrong) => request(n1.ports.listen, signed(EVENTS, body, wrong),
  { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
const EVENT = JSON.stringify({ name: 'greeting', channel: 'news', data: 'hello' });

describe('over a WebSocket, an error is told and the connection goes on', () => {
  const frames = {
    'malformed JSON': '{"event":',
    'no JSON object': '[1,2,3]',
    'an event that is no string': '{"event":7}',
    'an unknown event': '{"event":"pusher:unknown","data":{}}',
    'an event of one\'s own without the prefix client-': '{"event":"greeting","channel":"news","data":{}}',
    'nesting without end': '['.repeat(20_000),
    'a key that comes twice': '{"event":"pusher:ping","event":"pusher:ping"}',
    'a client event on a public channel': '{"event":"client-a","channel":"news","data":{}}',
    'a client event without a subscription': '{"event":"client-a","channel":"private-elsewhere","data":{}}',
  };
  for (const [what, frame] of Object.entries(frames)) {
    test(what, async () => {
      const raw = await new RawClient(n1).open();
      raw.send(frame);
      const { data } = await raw.next('pusher:error');
      assert.ok(data.message.length > 0);
      raw.send({ event: 'pusher:ping', data: {} });
      await raw.next('pusher:pong');
      raw.drop();
      await undisturbed();
    });
  }

  for (const [what, auth] of Object.entries({
    'a wrong signature': `${APP.key}:${'0'.repeat(64)}`, 'another app\'s key': `other:${'0'.repeat(64)}`, 'no signature': '',
  })) {
    test(`${what} of a private channel`, async () => {
      const raw = await new RawClient(n1).open();
      raw.send({ event: 'pusher:subscribe', data: { channel: 'private-a', auth } });
      const { channel, data } = await raw.next('pusher:subscription_error');
      assert.equal(channel, 'private-a');
      assert.equal(data.status, 401);
      raw.drop();
      await undisturbed();
    });
  }
});

describe('over a WebSocket, the connection is closed with a code', () => {
  test('a message of 1 MB: 1009', async () => {
    const raw = await new RawClient(n1).open();
    raw.send(JSON.stringify({ event: 'pusher:ping', data: 'x'.repeat(MEGABYTE) }));
    assert.equal((await raw.end()).code, 1009);
    await undisturbed();
  });

  for (const [what, target, code] of [
    ['an unknown app: 4001', '/app/nobody?protocol=7', 4001],
    ['a path that is none: 4005', '/elsewhere?protocol=7', 4005],
    ['no protocol: 4008', '/app/app-key', 4008],
    ['a protocol that is not spoken: 4007', '/app/app-key?protocol=99', 4007],
  ]) {
    test(what, async () => {
      const raw = new RawClient(n1, target);
      assert.equal((await raw.next('pusher:error')).data.code, code);
      assert.equal((await raw.end()).code, code);
      await undisturbed();
    });
  }
});

describe('the HTTP API answers with a status', () => {
  for (const [what, expected, body, wrong] of [
    ['a wrong signature: 401', 401, EVENT, { secret: 'wrong' }],
    ['a timestamp of yesterday: 401', 401, EVENT, { timestamp: Math.floor(Date.now() / 1000) - 86_400 }],
    ['a body that is not the signed one: 401', 401, EVENT, { md5: '0'.repeat(32) }],
    ['malformed JSON: 400', 400, '{"name":', {}],
    ['no channel: 400', 400, JSON.stringify({ name: 'a', data: 'b' }), {}],
    ['a channel name that is none: 400', 400, JSON.stringify({ name: 'a', data: 'b', channel: 'no spaces' }), {}],
    ['data that is no string: 400', 400, JSON.stringify({ name: 'a', data: {}, channel: 'news' }), {}],
    ['an event of 1 MB: 413', 413, JSON.stringify({ name: 'a', channel: 'news', data: 'x'.repeat(MEGABYTE) }), {}],
  ]) {
    test(what, async () => {
      const { status, body: answer } = await post(body, wrong);
      assert.equal(status, expected, answer);
      assert.ok(JSON.parse(answer).error.length > 0);
      await undisturbed();
    });
  }

  test('an unknown app: 404', async () => {
    const { status } = await request(n1.ports.listen, '/apps/nobody/events', { method: 'POST', body: EVENT });
    assert.equal(status, 404);
  });
});

describe('on the public port, what is no HTTP is refused and closed', () => {
  for (const [what, bytes] of Object.entries({
    'random bytes': crypto.randomBytes(4096),
    'the greeting of TLS': Buffer.from('16030100c8010000c40303', 'hex'),
    'a request that is none': 'HELLO tulle\r\n\r\n',
    'HTTP of another age': 'GET /up HTTP/9.9\r\nHost: a\r\n\r\n',
    'two lengths of a body': 'POST /apps/app-id/events HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an encoding that hides a second request': 'POST /apps/app-id/events HTTP/1.1\r\nHost: a\r\n' +
      'Transfer-Encoding: xchunked\r\n\r\nGET /up HTTP/1.1\r\nHost: a\r\n\r\n',
    'headers without end': `GET /up HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(64 << 10)}\r\n\r\n`,
  })) {
    test(what, async () => {
      const answer = await throwAt(n1.ports.listen, bytes);
      assert.match(answer, /^(HTTP\/1\.1 [45]\d\d |$)/);
      assert.ok(!answer.includes(' 200 '), answer);
      await undisturbed();
    });
  }

  test('silence, and half a request', async () => {
    const closed = Promise.all([
      throwAt(n1.ports.listen, null), throwAt(n1.ports.listen, 'GET /up HTTP/1.1\r\nHost:'),
    ]);
    await undisturbed();
    await closed;
    await undisturbed();
  });
});

describe('on the mesh ports, whoever is no node is let go', () => {
  const onBoth = (throwOne) => Promise.all(['mesh', 'mesh_data'].map((role) => throwOne(n1.ports[role], role)));
  const hundred = (make) => Promise.all(Array.from({ length: 100 }, make));

  test('random bytes', async () => {
    await onBoth((address) => hundred(() => throwAt(address, crypto.randomBytes(4096))));
    await undisturbed();
  });

  test('a request of HTTP', async () => {
    await onBoth((address) => throwAt(address, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    await undisturbed();
  });

  test('silence of a hundred connections', async () => {
    const closed = onBoth((address) => hundred(() => throwAt(address, null)));
    await undisturbed();
    await closed;
    await undisturbed();
  });

  test('a message that claims 8 GiB, for which no memory is taken', async () => {
    const peers = { mesh: 'DEALER', mesh_data: 'SUB' };
    await onBoth((address, role) => throwAt(address, Buffer.concat([handshake(peers[role]), claimedLength(8n << 30n)])));
    assert.ok(await residentMegabytes(n1) < 500);
    await undisturbed();
  });

  test('well-formed messages of random bytes are dropped and counted', async () => {
    const before = await n1.metric('tulle_mesh_malformed_messages_total');
    const socket = await peer(n1.ports.mesh, 'DEALER');
    for (let i = 0; i < 1000; ++i) socket.write(message(crypto.randomBytes(1 + (i % 255))));
    await waitFor('them to be counted', async () => (await n1.metric('tulle_mesh_malformed_messages_total')) >= before + 1000);
    await undisturbed();
    socket.destroy();
    await undisturbed();
  });

  test('messages of a kind that only a newer node knows are skipped and counted, and are not malformed', async () => {
    const names = ['unknown_messages', 'unknown_fields', 'malformed_messages'].map((name) => `tulle_mesh_${name}_total`);
    const counted = () => Promise.all(names.map((name) => n1.metric(name)));
    const [messages, fields, malformed] = await counted();
    const socket = await peer(n1.ports.mesh, 'DEALER');
    const envelope = Buffer.from('0801' + '11' + '63'.repeat(8), 'hex');   // the version of the envelope, and who speaks
    const kind = Buffer.from('9a0600', 'hex');                             // field 99, of length 0
    const ping = Buffer.from('e20100', 'hex');                             // field 28: a Ping
    const field = Buffer.from('a03801', 'hex');                            // field 900: 1
    for (let i = 0; i < 100; ++i) socket.write(message(Buffer.concat([envelope, kind])));
    for (let i = 0; i < 50; ++i) socket.write(message(Buffer.concat([envelope, ping, field])));
    await waitFor('them to be counted', async () => {
      const now = await counted();
      return now[0] >= messages + 100 && now[1] >= fields + 50;
    });
    assert.deepEqual(await counted(), [messages + 100, fields + 50, malformed]);
    await undisturbed();
    socket.destroy();
  });

  test('a hundred thousand subscriptions end the connection that they come by', async () => {
    const before = await n1.metric('tulle_mesh_inbound_cut_total');
    const socket = await peer(n1.ports.mesh_data, 'SUB');
    const closed = new Promise((resolve) => { socket.on('error', resolve).on('close', resolve); });
    for (let i = 0; i < 100_000; ++i) socket.write(message(Buffer.from(`\x01T${i}`)));
    await within(10_000, 'the end of the connection', closed);
    assert.equal(await n1.metric('tulle_mesh_inbound_cut_total'), before + 1);
    await undisturbed();
  });
});
