// The HTTP API with the official server kit, and what browsers and bare HTTP clients ask of it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { APP, RawClient, client, connected, inbox, server, subscribed } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

let cluster;
let n1;
let n2;
const open = [];

before(async () => {
  cluster = await Cluster.create(2);
  [n1, n2] = cluster.nodes;
  await cluster.start();
});

after(async () => {
  open.forEach((pusher) => pusher.disconnect());
  await cluster?.stop();
});

function userAt(node, userId) {
  const pusher = client(node, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => done(null, channelName.startsWith('presence-')
        ? server(node).authorizeChannel(socketId, channelName, { user_id: userId })
        : server(node).authorizeChannel(socketId, channelName)),
    },
  });
  open.push(pusher);
  return pusher;
}

/** The target of a signed request. */
function signed(method, path, body = '', parameters = {}) {
  const all = {
    auth_key: APP.key, auth_timestamp: Math.floor(Date.now() / 1000), auth_version: '1.0', ...parameters,
    ...(body ? { body_md5: crypto.createHash('md5').update(body).digest('hex') } : {}),
  };
  const query = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join('&');
  const signature = crypto.createHmac('sha256', APP.secret).update(`${method}\n${path}\n${query}`).digest('hex');
  return `${path}?${query}&auth_signature=${signature}`;
}

const EVENTS = `/apps/${APP.appId}/events`;
const BATCH = `/apps/${APP.appId}/batch_events`;

async function post(path, content, headers = {}) {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const answer = await request(n1.ports.listen, signed('POST', path, body), { method: 'POST', body, headers });
  return { ...answer, json: JSON.parse(answer.body) };
}

async function get(path, parameters = {}) {
  const answer = await server(n2).get({ path, params: parameters }).catch((error) => error);
  return { status: answer.status, json: answer.json ? await answer.json() : JSON.parse(answer.body) };
}

describe('info of published events', () => {
  before(async () => {
    for (const [node, id] of [[n1, 'a'], [n1, 'a'], [n2, 'b']]) {
      const pusher = userAt(node, id);
      await subscribed(pusher, 'presence-info');
      await subscribed(pusher, 'info');
    }
  });

  test('of one event', async () => {
    const answer = await server(n1).trigger(['presence-info', 'info'], 'e', 'x', { info: 'user_count,subscription_count' });
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      channels: { 'presence-info': { user_count: 2, subscription_count: 3 }, info: { subscription_count: 3 } },
    });
  });

  test('of a batch, aligned with its events', async () => {
    const answer = await server(n2).triggerBatch([
      { channel: 'presence-info', name: 'e', data: 'x', info: 'user_count' }, { channel: 'info', name: 'e', data: 'x' },
      { channel: 'nobody', name: 'e', data: 'x', info: 'subscription_count' },
    ]);
    assert.deepEqual(await answer.json(), { batch: [{ user_count: 2 }, {}, { subscription_count: 0 }] });
  });

  test('without info, exactly {}', async () => {
    assert.equal(await (await server(n1).trigger('info', 'e', 'x')).text(), '{}');
    assert.equal(await (await server(n1).triggerBatch([{ channel: 'info', name: 'e', data: 'x' }])).text(), '{}');
  });

  test('of channels', async () => {
    assert.deepEqual((await get('/channels', { filter_by_prefix: 'presence-i', info: 'user_count' })).json, {
      channels: { 'presence-info': { occupied: true, subscription_count: 3, user_count: 2 } },
    });
    assert.equal((await get('/channels', { info: 'user_count' })).status, 400);
    assert.equal((await get('/channels', { filter_by_prefix: 'in', info: 'user_count' })).status, 400);
    assert.equal((await get('/channels', { info: 'weather' })).status, 400);
    assert.deepEqual((await get('/channels/info', { info: 'subscription_count' })).json, { occupied: true, subscription_count: 3 });
    assert.equal((await get('/channels/info', { info: 'user_count' })).status, 400);
    assert.equal((await get('/channels/info/users')).status, 400);
    assert.deepEqual((await get('/channels/presence-info/users')).json, { users: [{ id: 'a' }, { id: 'b' }] });
    assert.deepEqual((await get('/channels/presence-empty/users')).json, { users: [] });
  });
});

test('a batch arrives whole, in order, and excludes the socket that each event names', async () => {
  const left = userAt(n1, 'left');
  const right = userAt(n2, 'right');
  const inboxes = [];
  for (const pusher of [left, right]) inboxes.push(inbox(await subscribed(pusher, 'batch'), 'tick'));
  const socket = await connected(left);
  await server(n2).triggerBatch(Array.from({ length: 10 }, (_, n) => (
    { channel: 'batch', name: 'tick', data: { n }, ...(n % 2 ? { socket_id: socket } : {}) })));
  await waitFor('the events', () => inboxes[1].length === 10 && inboxes[0].length === 5);
  assert.deepEqual(inboxes[1].map(({ n }) => n), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(inboxes[0].map(({ n }) => n), [0, 2, 4, 6, 8]);
});

test('data arrives byte for byte', async () => {
  const raw = await new RawClient(n2).open();
  const frames = [];
  raw.socket.on('message', (bytes) => frames.push(bytes.toString()));
  raw.send({ event: 'pusher:subscribe', data: { channel: 'bytes' } });
  await raw.next('pusher_internal:subscription_succeeded');
  const data = '"\\u00e9\\ud83c\\udf0d é 🌍 \\/ {\\"a\\": 1.0}  \\u0000"';
  await post(EVENTS, `{"name":"e","channel":"bytes","data":${data}}`);
  await post(BATCH, `{"batch":[ {"name":"e","channel":"bytes","data":${data}} ]}`);
  await waitFor('both', () => frames.length >= 3);
  for (const frame of frames.slice(1)) assert.equal(frame, `{"channel":"bytes","event":"e","data":${data}}`);
  raw.drop();
});

describe('statuses', () => {
  for (const [what, path, content, status] of [
    ['a batch of eleven', BATCH, { batch: Array(11).fill({ name: 'e', channel: 'a', data: 'd' }) }, 400],
    ['an empty batch', BATCH, { batch: [] }, 400],
    ['a batch with one bad event', BATCH, { batch: [{ name: 'e', channel: 'a', data: 'd' }, { name: 'e', channel: 'a b', data: 'd' }] }, 400],
    ['101 channels', EVENTS, { name: 'e', channels: Array.from({ length: 101 }, (_, i) => `c${i}`), data: 'd' }, 400],
    ['an event name of 201', EVENTS, { name: 'e'.repeat(201), channel: 'a', data: 'd' }, 400],
    ['a channel name of 201', EVENTS, { name: 'e', channel: 'c'.repeat(201), data: 'd' }, 400],
    ['data over the limit', EVENTS, { name: 'e', channel: 'a', data: 'd'.repeat(102_401) }, 413],
    ['data at the limit', EVENTS, { name: 'e', channel: 'a', data: 'd'.repeat(102_400) }, 200],
    ['a body over 2 MiB', EVENTS, ' '.repeat((2 << 20) + 1), 413],
    ['the channel of a user', EVENTS, { name: 'e', channel: '#server-to-user-1', data: 'd' }, 200],
    ['the channel of no user', EVENTS, { name: 'e', channel: '#server-to-user-', data: 'd' }, 400],
    ['another channel of the server', EVENTS, { name: 'e', channel: '#online-1', data: 'd' }, 400],
  ]) {
    test(`${what}: ${status}`, async () => {
      const answer = await post(path, content);
      assert.equal(answer.status, status, answer.body);
      if (status >= 400) assert.deepEqual([answer.json.code, typeof answer.json.error], [status, 'string']);
    });
  }

  test('a wrong method: 405 with Allow', async () => {
    const { status, headers } = await request(n1.ports.listen, EVENTS, { method: 'PUT' });
    assert.deepEqual([status, headers.allow], [405, 'POST, OPTIONS']);
  });

  test('an unknown endpoint or app: 404', async () => {
    assert.equal((await request(n1.ports.listen, `/apps/${APP.appId}/nothing`)).status, 404);
    assert.equal((await request(n1.ports.listen, '/apps/nobody/channels')).status, 404);
    assert.equal((await request(n1.ports.listen, '/favicon.ico')).status, 404);
  });
});

describe('pages of other origins', () => {
  test('may ask whether they may', async () => {
    const { status, headers, body } = await request(n1.ports.listen, EVENTS, {
      method: 'OPTIONS', headers: { Origin: 'https://example.com', 'Access-Control-Request-Method': 'POST' },
    });
    assert.deepEqual([status, body, headers['access-control-allow-origin']], [204, '', '*']);
    assert.match(headers['access-control-allow-methods'], /POST/);
    assert.match(headers['access-control-allow-headers'], /Content-Type/);
  });

  test('may read answers and errors', async () => {
    for (const answer of [await post(EVENTS, { name: 'e', channel: 'a', data: 'd' }), await post(EVENTS, 'x')]) {
      assert.equal(answer.headers['access-control-allow-origin'], '*');
    }
  });
});

/** Sends bytes on one connection, and answers all that came back until `isDone`. */
function converse(bytes, isDone) {
  return within(10_000, 'the answers', new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(parts(n1.ports.listen), () => socket.write(bytes));
    socket.on('error', reject);
    socket.on('data', (part) => {
      text += part;
      if (isDone(text)) { socket.destroy(); resolve(text); }
    });
  }));
}

test('a thousand requests on one connection, sent at once, are answered one by one, in order', async () => {
  const bodies = Array.from({ length: 1000 }, (_, n) => JSON.stringify({ name: 'e', channel: 'pipe', data: String(n) }));
  const raw = await new RawClient(n2).open();
  raw.send({ event: 'pusher:subscribe', data: { channel: 'pipe' } });
  await raw.next('pusher_internal:subscription_succeeded');
  const requests = bodies.map((body) => `POST ${signed('POST', EVENTS, body)} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const text = await converse(requests.join(''), (all) => all.split('HTTP/1.1 200').length > 1000);
  assert.equal(text.split('HTTP/1.1 ').length, 1001);
  await waitFor('the events', () => raw.frames.length >= 1000);
  assert.deepEqual(raw.frames.map(({ data }) => Number(data)), bodies.map((_, n) => n));
  raw.drop();
});
