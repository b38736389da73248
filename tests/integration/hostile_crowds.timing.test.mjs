// Each kind of hostile input many times over: it is counted, costs neither memory nor log, and nobody else notices.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { APP, RawClient, server, signedPost } from '../support/js/clients.mjs';
import { FrameSocket, frame, upgrade } from '../support/js/frames.mjs';
import { request } from '../support/js/http.mjs';
import { Victim, statusOf, trickle } from '../support/js/victim.mjs';
import { waitFor } from '../support/js/wait.mjs';

const PAGES = '[[apps]]\nid = "pages"\nkey = "pages"\nsecret = "other"\nallowed_origins = ["https://pages.example"]\n';
const CROWD = 200;
const GET = 'GET /up HTTP/1.1\r\nHost: a\r\n';
const POST = `POST /apps/${APP.appId}/events HTTP/1.1\r\nHost: a\r\n`;
const MEGABYTE = 1 << 20;

const victim = new Victim();
before(() => victim.start(PAGES));
after(() => victim.stop());

/** `make` so many times at once. */
const crowd = (make, size = CROWD) => Promise.all(Array.from({ length: size }, (_, i) => make(i)));

const open = () => new RawClient(victim.node).open();
const sign = (text, secret = APP.secret) => crypto.createHmac('sha256', secret).update(text).digest('hex');

async function join(raw, channel) {
  raw.send({ event: 'pusher:subscribe', data: { channel, auth: `${APP.key}:${sign(`${raw.socketId}:${channel}`)}` } });
  await raw.next('pusher_internal:subscription_succeeded');
}

test('slow heads and slow bodies: each is ended with 408', () => victim.bears(async () => {
  const all = await crowd((i) => victim.throwAt(i % 2 ? GET : `${signedPost()}Content-Length: 1000\r\n\r\n`, { more: trickle }));
  for (const text of all) assert.equal(statusOf(text), 408);
}, { counter: 'tulle_http_refused_total', times: CROWD }));

test('heads that a proxy may read otherwise: each is refused, and what follows is not read', () => victim.bears(async () => {
  const heads = [
    [431, `${GET}X: ${'x'.repeat(40_000)}\r\n\r\n`], [414, `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [431, `${GET}${'A: b\r\n'.repeat(150)}\r\n`], [400, `${POST}Transfer-Encoding: xchunked\r\n\r\n${GET}\r\n`],
    [400, `${POST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd${GET}\r\n`], [400, `${GET}A: b\r\n c\r\n\r\n`],
    [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ];
  await crowd(async (i) => {
    const [status, bytes] = heads[i % heads.length];
    const text = await victim.throwAt(bytes);
    assert.equal(statusOf(text), status);
    assert.equal(text.match(/^HTTP\/1\.1 \d/gm).length, 1, text);
  });
}, { counter: 'tulle_http_refused_total', times: CROWD }));

test('a thousand requests at once on one connection, none of them signed: each has its answer', () => victim.bears(async () => {
  const one = `GET /apps/${APP.appId}/channels HTTP/1.1\r\nHost: a\r\n\r\n`;
  const text = await victim.throwAt(one.repeat(999) + one.replace('Host: a', 'Host: a\r\nConnection: close'));
  assert.equal(text.split('HTTP/1.1 401 ').length - 1, 1_000);
}, { counter: 'tulle_http_errors_total', times: 1_000 }));

test('upgrades that are none, and foreign origins', () => victim.bears(async () => {
  const upgrades = [
    [400, upgrade('/app/pages?protocol=7', { 'Sec-WebSocket-Key': 'c2hvcnQ=' })],
    [426, upgrade('/app/pages?protocol=7', { 'Sec-WebSocket-Version': '8' })],
    [403, upgrade('/app/pages?protocol=7', { Origin: 'https://foreign.example', Connection: 'Upgrade, close' })],
    [400, Buffer.concat([Buffer.from(upgrade()), frame({ payload: '{}' })])],
  ];
  await crowd(async (i) => {
    const [status, bytes] = upgrades[i % upgrades.length];
    assert.equal(statusOf(await victim.throwAt(bytes, { more: (socket) => socket.end() })), status);
  });
}, { counter: 'tulle_http_errors_total', times: CROWD }));

describe('frames', () => {
  const bomb = zlib.deflateRawSync(Buffer.alloc(100 * MEGABYTE), { level: 9 });
  const part = bomb.length >> 1;
  const kinds = {
    'a bomb of compressed bytes, though compression was not agreed': frame({ first: 0xc1, payload: bomb }),
    'such a bomb in fragments': Buffer.concat([frame({ first: 0x41, payload: bomb.subarray(0, part) }), frame({ first: 0x80, payload: bomb.subarray(part) })]),
    'RSV1 on a continuation': Buffer.concat([frame({ first: 0x01, payload: 'a' }), frame({ first: 0xc0, payload: 'b' })]),
    'RSV1 on a ping': frame({ first: 0xc9, payload: 'a' }),
    'RSV2': frame({ first: 0xa1, payload: '{}' }),
    'RSV3': frame({ first: 0x91, payload: '{}' }),
    'an unmasked frame': frame({ payload: '{}', masked: false }),
    'a length of 2^40': frame({ length: 1n << 40n }),
    'bad UTF-8': frame({ payload: Buffer.from([0x22, 0xff, 0x22]) }),
    'fragments without end': Buffer.concat([frame({ first: 0x01 }), ...Array(10_000).fill(frame({ first: 0x00 }))]),
  };
  for (const [what, bytes] of Object.entries(kinds)) {
    test(`${what}: the connection is closed, fifty times`, () => victim.bears(() => crowd(async () => {
      const socket = await new FrameSocket(victim.node).open();
      socket.write(bytes);
      assert.ok([1002, 1007, 1008, 1009].includes(await socket.end()));
    }, 50), { counter: 'tulle_clients_closed_total', times: 50, megabytes: 32 }));
  }

  test('compression that is offered is not taken', async () => {
    const raw = await new RawClient(victim.node, undefined, { perMessageDeflate: { threshold: 0 } }).open();
    assert.equal(raw.socket.extensions, '');
    raw.drop();
  });
});

test('5,000 client events at once: ten pass, the others are refused with 4301, and the sender may go on later', async () => {
  const [sender, receiver] = [await open(), await open()];
  for (const raw of [sender, receiver]) await join(raw, 'private-flood');
  await victim.bears(async () => {
    for (let n = 0; n < 5_000; ++n) sender.send(`{"event":"client-e","channel":"private-flood","data":${n}}`);
    sender.send({ event: 'pusher:ping' });
    await waitFor('the end of them', () => sender.frames.at(-1)?.event === 'pusher:pong', { ms: 30_000 });
    const refused = sender.frames.filter(({ event }) => event === 'pusher:error');
    for (const { channel, data } of refused) assert.deepEqual([channel, data.code], ['private-flood', 4301]);
    assert.ok(refused.length > 4_900, `${refused.length} refused`);
    await waitFor('those that pass', () => receiver.frames.length === 5_000 - refused.length);
  }, { counter: 'tulle_client_events_refused_total', times: 4_900 });
  receiver.frames.length = 0;
  await waitFor('another to pass', () => {
    sender.send({ event: 'client-e', channel: 'private-flood', data: 'later' });
    return receiver.frames.some(({ data }) => data === 'later');
  }, { every: 300 });
  [sender, receiver].forEach((raw) => raw.drop());
});

describe('signatures', () => {
  test('2,000 wrong ones on a connection: each is refused on its channel', async () => {
    const raw = await open();
    await victim.bears(async () => {
      for (let i = 0; i < 2_000; ++i) {
        raw.send({ event: 'pusher:subscribe', data: { channel: `private-${i}`, auth: `${APP.key}:${sign(`${raw.socketId}:private-${i}`, `guess ${i}`)}` } });
      }
      await waitFor('the refusals', () => raw.frames.length >= 2_000);
      for (const { event, data } of raw.frames) assert.deepEqual([event, data.status], ['pusher:subscription_error', 401]);
    }, { counter: 'tulle_auth_failures_total', times: 2_000 });
    assert.ok(!victim.node.log.includes(sign(`${raw.socketId}:private-7`)));
    raw.drop();
  });

  /** The target of a publish whose parameters stand in the order in which `order` puts them. */
  function target(body, order = (names) => names) {
    const all = {
      auth_key: APP.key, auth_timestamp: Math.floor(Date.now() / 1000), auth_version: '1.0',
      body_md5: crypto.createHash('md5').update(body).digest('hex'),
    };
    const text = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join('&');
    const route = `/apps/${APP.appId}/events`;
    all.auth_signature = sign(`POST\n${route}\n${text}`);
    return `${route}?${order(Object.keys(all)).map((name) => `${name}=${all[name]}`).join('&')}`;
  }
  const post = (to, body) => request(victim.node.ports.listen, to, { method: 'POST', body });
  const BODY = JSON.stringify({ name: 'e', channel: 'news', data: 'd' });

  test('the order of the parameters does not matter, and the same request may come twice within its time', async () => {
    const to = target(BODY, (names) => names.reverse());
    for (let i = 0; i < 2; ++i) assert.equal((await post(to, BODY)).status, 200);
  });

  test('500 publishes signed by a guess: 401', () => victim.bears(() => crowd(async (i) => {
    const { status } = await post(target(BODY).replace(/auth_signature=.*/, `auth_signature=${sign(`${i}`)}`), BODY);
    assert.equal(status, 401);
  }, 500), { counter: 'tulle_http_errors_total', times: 500 }));

  test('bodies of 100,000 keys, of one long string, of a deep nesting, signed: refused, soon', () => victim.bears(async () => {
    for (const [status, body] of [
      [400, JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 0])))],
      [413, JSON.stringify({ name: 'e', channel: 'news', data: 'x'.repeat(2 * MEGABYTE) })],
      [400, '{"a":'.repeat(200_000)],
    ]) {
      assert.equal((await post(target(body), body)).status, status);
    }
    // So much is not read to its end: the answer may be lost with the connection.
    const huge = JSON.stringify({ name: 'e', channel: 'news', data: 'x'.repeat(10 * MEGABYTE) });
    const { status } = await post(target(huge), huge).catch((error) => ({ status: error.code }));
    assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(status), `${status}`);
  }, { counter: 'tulle_http_errors_total', times: 2, megabytes: 48 }));
});

test('200 names that would break a line, a terminal or a metric are refused, and stand nowhere raw', () => victim.bears(async () => {
  const raw = await open();
  const names = ['a\r\nb', 'a\u0000b', '\u001b[31mred', 'a"} 1\n', 'a{b="c"}', 'é', 'a\u2028b', '#other'];
  for (let i = 0; i < CROWD; ++i) raw.send({ event: 'pusher:subscribe', data: { channel: names[i % names.length], auth: '' } });
  await waitFor('the refusals', () => raw.frames.length >= CROWD);
  raw.frames.forEach((answer, i) => assert.deepEqual([answer.event, answer.channel], ['pusher:subscription_error', names[i % names.length]]));
  const { body } = await request(victim.node.ports.admin, '/metrics');
  assert.ok(![...body].some((character) => character < ' ' && character !== '\n'));
  assert.ok(!victim.node.log.includes('\u001b'));
  const status = (await server(victim.node).get({ path: '/channels' })).status;
  assert.equal(status, 200);
  raw.drop();
}, { counter: 'tulle_subscriptions_refused_total', times: CROWD }));
