// Hostile input, one kind after the other: a stated answer, the process alive, nobody else disturbed, no secret in a log.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { APP, RawClient, client, inbox, server, signedPost, subscribed } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { FrameSocket, frame, upgrade } from '../support/js/frames.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const MEGABYTE = 1 << 20;
const PAGES = { key: 'pages', origin: 'https://pages.example' };
let cluster;
let node;
let bystander;
let received;
let published = 0;

before(async () => {
  cluster = await Cluster.create(1);
  [node] = cluster.nodes;
  const file = path.join(cluster.directory, 'tulled.toml');
  await fs.writeFile(file, `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\nclient_events = true\n` +
    `[[apps]]\nid = "pages"\nkey = "${PAGES.key}"\nsecret = "other"\nallowed_origins = ["${PAGES.origin}", "https://*.sub.example"]\n`);
  node.args = ['--config', file];
  await cluster.start();
  bystander = client(node);
  received = inbox(await subscribed(bystander, 'bystander'), 'tick');
});

after(async () => {
  bystander?.disconnect();
  const { log } = node;
  await cluster?.stop();
  assert.ok(!log.includes(APP.secret), 'the secret is in the log');
});

/** The node lives, and the bystander gets what is published: once, in order, all of it, soon. */
async function undisturbed() {
  assert.ok(!node.program.hasEnded, node.log);
  const begun = performance.now();
  for (let i = 0; i < 3; ++i) await server(node).trigger('bystander', 'tick', { n: ++published });
  await waitFor('the events for the bystander', () => received.length >= published);
  assert.deepEqual(received.map(({ n }) => n), Array.from({ length: published }, (_, i) => i + 1));
  assert.ok(performance.now() - begun < 3_000);
}

async function residentMegabytes() {
  const text = await fs.readFile(`/proc/${node.program.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)[1]) / 1024;
}

/** Sends bytes, and what `more` writes; answers what came back once the node has closed, and after how many milliseconds. */
function throwAt(bytes, { more, ms = 15_000 } = {}) {
  const back = [];
  const begun = performance.now();
  return within(ms, 'the node to close the connection', new Promise((resolve) => {
    const socket = net.connect(parts(node.ports.listen), () => {
      if (bytes) socket.write(bytes);
      more?.(socket);
    });
    socket.on('data', (part) => back.push(part));
    socket.on('error', () => {});
    socket.on('close', () => {
      const text = Buffer.concat(back).toString('latin1');
      resolve({ text, status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), ms: performance.now() - begun });
    });
  }));
}

/** Writes a byte now and then until the socket closes. */
function trickle(socket, byte = 'a', every = 500) {
  const timer = setInterval(() => socket.write(byte), every);
  socket.on('close', () => clearInterval(timer));
}

/** Writes without end, as fast as it is taken, until the socket closes. */
function pour(socket, bytes) {
  const go = () => { while (!socket.destroyed && socket.write(bytes)); };
  socket.on('drain', go);
  go();
}

const GET = 'GET /up HTTP/1.1\r\nHost: a\r\n';
const POST = `POST /apps/${APP.appId}/events HTTP/1.1\r\nHost: a\r\n`;

describe('slowness', { concurrency: true }, () => {
  test('200 heads byte by byte: ended within 10 s of their beginning', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => throwAt(GET, { more: (socket) => trickle(socket) })));
    for (const { status, ms } of all) assert.ok(status === 408 && ms < 11_500, `${status} after ${ms} ms`);
    await undisturbed();
  });

  test('a body byte by byte: 408 within 10 s', async () => {
    const { status, ms } = await throwAt(`${signedPost()}Content-Length: 1000\r\n\r\n`, { more: (socket) => trickle(socket) });
    assert.ok(status === 408 && ms < 11_500, `${status} after ${ms} ms`);
  });

  test('1000 silent connections: closed within 5 s', async () => {
    const all = await Promise.all(Array.from({ length: 1000 }, () => throwAt('')));
    for (const { text, ms } of all) assert.ok(text === '' && ms < 6_500, `${text} after ${ms} ms`);
    await undisturbed();
  });
});

describe('heads and framing of HTTP', () => {
  const heads = {
    'a header of 40 KB': [431, `${GET}X: ${'x'.repeat(40_000)}\r\n\r\n`],
    'a target of 9 KB': [414, `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    'a target of 40 KB': [414, `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    '150 fields': [431, `${GET}${'A: b\r\n'.repeat(150)}\r\n`],
    'an unknown transfer encoding': [400, `${POST}Transfer-Encoding: xchunked\r\n\r\n${GET}\r\n`],
    'chunked and another': [400, `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${GET}\r\n`],
    'an encoding with a length': [400, `${POST}Transfer-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd${GET}\r\n`],
    'chunks in HTTP/1.0': [400, POST.replace('1.1', '1.0') + `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${GET}\r\n`],
    'two lengths': [400, `${POST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd${GET}\r\n`],
    'a folded field': [400, `${GET}A: b\r\n c\r\n\r\n`],
    'no Host': [400, 'GET /up HTTP/1.1\r\n\r\n'],
    'two Hosts': [400, `${GET}Host: b\r\n\r\n`],
    'an absolute target with a user in it': [400, 'GET http://a@b/up HTTP/1.1\r\nHost: a\r\n\r\n'],
    'an absolute target of another scheme': [400, 'GET ftp://a/up HTTP/1.1\r\nHost: a\r\n\r\n'],
    'a target beyond ASCII': [400, Buffer.from('GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1')],
    'a method in lower case': [501, 'get /up HTTP/1.1\r\nHost: a\r\n\r\n'],
    'the preface of HTTP/2': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    'the greeting of TLS': [400, Buffer.from('16030100c8010000c40303', 'hex')],
    'an upgrade with a body': [400, upgrade('/app/app-key?protocol=7', { 'Content-Length': '3' }) + 'abc'],
    'frames before the answer to the upgrade': [400, Buffer.concat([Buffer.from(upgrade()), frame({ payload: '{}' })])],
    'no key': [400, upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Key': null })],
    'an empty key': [400, upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Key': '' })],
    'a short key': [400, upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Key': 'c2hvcnQ=' })],
    'a key that is no base64': [400, upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Key': '!GhlIHNhbXBsZSBub25jZQ==' })],
    'two keys': [400, upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Key': Array(2).fill('dGhlIHNhbXBsZSBub25jZQ==') })],
    'an upgrade in HTTP/1.0, which knows none': [426, upgrade('', {}, 'GET /app/app-key?protocol=7 HTTP/1.0')],
  };
  for (const [what, [expected, bytes]] of Object.entries(heads)) {
    test(`${what}: ${expected}, and nothing after it is read`, async () => {
      const { status, text } = await throwAt(bytes);
      assert.equal(status, expected, text);
      assert.equal(text.match(/^HTTP\/1\.1 \d/gm).length, 1, text);
    });
  }

  test('an upgrade of version 8: 426, with the version that is spoken', async () => {
    const { status, text } = await throwAt(upgrade('/app/app-key?protocol=7', { 'Sec-WebSocket-Version': '8' }));
    assert.equal(status, 426);
    assert.match(text, /Sec-WebSocket-Version: 13/i);
  });

  for (const [what, endless] of [['a chunk extension', 'x'.repeat(65_536)], ['trailers', 'A: b\r\n'.repeat(10_000)]]) {
    test(`${what} without end: refused, without memory`, async () => {
      const before = await residentMegabytes();
      const start = what === 'trailers' ? '0\r\n' : '4;';
      const { status } = await throwAt(`${signedPost()}Transfer-Encoding: chunked\r\n\r\n${start}`, { more: (socket) => pour(socket, endless) });
      assert.ok([0, 400, 413].includes(status), `${status}`);
      assert.ok(await residentMegabytes() < before + 8);
      await undisturbed();
    });
  }
});

describe('origins', () => {
  const attempt = async (origin, key = PAGES.key) => {
    const { status } = await new Promise((resolve, reject) => {
      const socket = net.connect(parts(node.ports.listen), () =>
        socket.write(upgrade(`/app/${key}?protocol=7`, origin === undefined ? {} : { Origin: origin })));
      socket.on('error', reject);
      socket.once('data', (part) => { socket.destroy(); resolve({ status: Number(part.toString().slice(9, 12)) }); });
    });
    return status;
  };
  test('of the app, and clients that name none, may connect', async () => {
    for (const origin of [PAGES.origin, 'https://a.sub.example', undefined]) assert.equal(await attempt(origin), 101, origin);
    assert.equal(await attempt('https://anywhere.example', APP.key), 101, 'an app without a list');
  });
  for (const origin of ['https://foreign.example', 'null', 'https://evil-pages.example', 'http://pages.example', '',
    'https://pages.example:8443', 'https://pages.example.evil.net', [PAGES.origin, PAGES.origin]]) {
    test(`'${origin}': 403`, async () => { assert.equal(await attempt(origin), 403); });
  }
});

describe('frames of RFC 6455', () => {
  const closes = {
    'an unmasked frame': [[1002], frame({ payload: '{}', masked: false })],
    'RSV1 (compression is off)': [[1002], frame({ first: 0xc1, payload: '{}' })],
    'a reserved opcode': [[1002], frame({ first: 0x83, payload: '{}' })],
    'a ping of 126 bytes': [[1002], frame({ first: 0x89, payload: 'x'.repeat(126) })],
    'a fragmented ping': [[1002], frame({ first: 0x09, payload: 'x' })],
    'a length that is not minimal': [[1002], frame({ payload: '{}', lengthBytes: 8 })],
    'a length of 2^63': [[1002, 1009], frame({ length: 1n << 63n })],
    'a length of 2^40': [[1009], frame({ length: 1n << 40n })],
    'a continuation of nothing': [[1002], frame({ first: 0x80, payload: 'x' })],
    'a second message within a message': [[1002], Buffer.concat([frame({ first: 0x01, payload: 'a' }), frame({ payload: 'b' })])],
    'bad UTF-8': [[1007], frame({ payload: Buffer.from([0x22, 0xff, 0xfe, 0x22]) })],
    'half a code point': [[1007], frame({ payload: Buffer.from([0xf0, 0x9f]) })],
    'a surrogate': [[1007], frame({ payload: Buffer.from([0xed, 0xa0, 0x80]) })],
    'a close code of 999': [[1002], frame({ first: 0x88, payload: Buffer.from([0x03, 0xe7]) })],
    'a close code of 1005': [[1002], frame({ first: 0x88, payload: Buffer.from([0x03, 0xed]) })],
    'a close of one byte': [[1002], frame({ first: 0x88, payload: 'x' })],
    'a close reason of bad UTF-8': [[1002, 1007], frame({ first: 0x88, payload: Buffer.from([0x03, 0xe8, 0xff]) })],
    'a message of 1 MB': [[1009], frame({ payload: Buffer.alloc(MEGABYTE, 'x') })],
    '1 MB in fragments': [[1009], Buffer.concat([frame({ first: 0x01, payload: Buffer.alloc(65_000, 'x') }),
      ...Array.from({ length: 15 }, () => frame({ first: 0x00, payload: Buffer.alloc(65_000, 'x') }))])],
    '200,000 empty fragments': [[1008], Buffer.concat([frame({ first: 0x01 }), ...Array(200_000).fill(frame({ first: 0x00 }))])],
    '10,000 fragments of a byte': [[1008], Buffer.concat([frame({ first: 0x01 }), ...Array(10_000).fill(frame({ first: 0x00, payload: ' ' }))])],
    'pings without end': [[1008], Buffer.concat(Array(10_000).fill(frame({ first: 0x89, payload: 'x' })))],
    'pongs without end': [[1008], Buffer.concat(Array(10_000).fill(frame({ first: 0x8a })))],
  };
  for (const [what, [codes, bytes]] of Object.entries(closes)) {
    test(`${what}: ${codes.join(' or ')}`, async () => {
      const socket = await new FrameSocket(node).open();
      assert.ok(!/Sec-WebSocket-Extensions/i.test(socket.head));
      socket.write(bytes);
      const code = await socket.end();
      assert.ok(codes.includes(code), `${code}`);
    });
  }

  test('a code point split over fragments passes', async () => {
    const socket = await new FrameSocket(node).open();
    const text = Buffer.from('{"event":"pusher:ping","data":"🌍"}');
    socket.write(frame({ first: 0x01, payload: text.subarray(0, 33) }), frame({ first: 0x80, payload: text.subarray(33) }));
    await waitFor('the pong', () => socket.texts.some(({ event }) => event === 'pusher:pong'));
    socket.drop();
  });

  test('whoever sends pings and never reads is let go, without memory', async () => {
    const before = await residentMegabytes();
    const socket = await new FrameSocket(node).open();
    socket.socket.pause();
    pour(socket.socket, Buffer.concat(Array(1000).fill(frame({ first: 0x89, payload: 'x'.repeat(125) }))));
    const gone = waitFor('it to be let go', async () => (await node.metric('tulle_clients')) === 1);
    await gone;
    assert.ok(await residentMegabytes() < before + 8);
    socket.drop();
    await undisturbed();
  });
});

describe('messages over a WebSocket: an error is told, and the connection goes on', () => {
  const frames = {
    'nesting of 50,000': '['.repeat(50_000),
    'nesting of 513 in data': `{"event":"pusher:ping","data":${'['.repeat(513)}${']'.repeat(513)}}`,
    'a byte order mark': '\ufeff{"event":"pusher:ping"}',
    'a lone surrogate for a name': '{"event":"\\ud800"}',
    'a bare NUL': '{"event":"pusher:ping\u0000"}',
    'NaN': '{"event":"pusher:ping","data":NaN}',
    'garbage after it': '{"event":"pusher:ping"} x',
    'garbage in what is not looked at': '{"event":"pusher:ping","data":{bad bad}}',
    'a doubled event': '{"event":"pusher:pong","event":"pusher:ping"}',
    'a doubled event, once escaped': '{"event":"pusher:pong","\\u0065vent":"pusher:ping"}',
    'a doubled channel': '{"event":"pusher:subscribe","data":{"channel":"a","channel":"b"}}',
    'a doubled auth': '{"event":"pusher:subscribe","data":{"channel":"a","auth":"","auth":"x"}}',
    'an event that is no string': '{"event":["pusher:ping"]}',
    'no event': '{"data":{}}',
    'no data': '{"event":"pusher:subscribe"}',
    'null for data': '{"event":"pusher:subscribe","data":null}',
    'a channel that is an array': '{"event":"pusher:subscribe","data":{"channel":["a"]}}',
    'a channel that is an object': '{"event":"pusher:subscribe","data":{"channel":{}}}',
    'a top-level channel that is a number': '{"event":"client-a","channel":7,"data":{}}',
    '10,000 keys': `{${Array.from({ length: 10_000 }, (_, i) => `"${i}":0`).join(',')}}`,
    'an internal event': '{"event":"pusher_internal:member_added","channel":"presence-a","data":"{}"}',
  };
  for (const [what, text] of Object.entries(frames)) {
    test(what, async () => {
      const raw = await new RawClient(node).open();
      raw.send(text);
      assert.ok((await raw.next('pusher:error')).data.message.length > 0);
      raw.send({ event: 'pusher:ping' });
      await raw.next('pusher:pong');
      raw.drop();
    });
  }

  const names = ['a\r\nb', 'a\u0000b', 'a b', '\u001b[31m', 'a"b', 'a\\b', 'a/b', 'é', '', 'a'.repeat(201),
    '#server-to-user', 'private-encrypted- x'];
  for (const name of names) {
    test(`a channel named ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const raw = await new RawClient(node).open();
      raw.send({ event: 'pusher:subscribe', data: { channel: name, auth: '' } });
      const { channel, data } = await raw.next('pusher:subscription_error');
      assert.equal(channel, name);
      assert.equal(data.type, 'LimitReached');
      raw.drop();
    });
  }

  test('signatures: wrong, truncated, odd, in capitals, of another socket, another app, other channel_data', async () => {
    const raw = await new RawClient(node).open();
    const hex = (text, secret = APP.secret) => crypto.createHmac('sha256', secret).update(text).digest('hex');
    const right = hex(`${raw.socketId}:private-a`);
    const data = '{"user_id":"mallory"}';
    const attempts = [
      ['private-a', `${APP.key}:${'0'.repeat(64)}`], ['private-a', `${APP.key}:${right.slice(0, 63)}`], ['private-a', `${APP.key}:${right}0`],
      ['private-a', `${APP.key}:`], ['private-a', right], ['private-a', `${APP.key}:${right.toUpperCase().replace(/\d/g, 'A')}`],
      ['private-a', `${APP.key}:${hex('1.1:private-a')}`], ['private-a', `${PAGES.key}:${hex(`${raw.socketId}:private-a`, 'other')}`],
      ['private-a', `${APP.key}:${hex(`${raw.socketId}:private-a`, 'other')}`], ['private-b', `${APP.key}:${right}`],
      ['presence-a', `${APP.key}:${hex(`${raw.socketId}:presence-a:{"user_id":"alice"}`)}`, data],
      ['presence-a', `${APP.key}:${hex(`${raw.socketId}:presence-a`)}`, data], ['private-encrypted-a', ''],
    ];
    const before = await node.metric('tulle_auth_failures_total');
    for (const [channel, auth, channelData] of attempts) {
      raw.send({ event: 'pusher:subscribe', data: { channel, auth, ...(channelData ? { channel_data: channelData } : {}) } });
      const error = await raw.next('pusher:subscription_error');
      assert.deepEqual([error.channel, error.data.status], [channel, 401], auth);
    }
    assert.equal(await node.metric('tulle_auth_failures_total'), before + attempts.length);
    raw.drop();
  });
});

describe('requests to the API', () => {
  const BODY = JSON.stringify({ name: 'e', channel: 'a', data: 'd' });
  const EVENTS = `/apps/${APP.appId}/events`;
  const now = () => Math.floor(Date.now() / 1000);

  /** Parameters of a right signature, changed before and after it was made. */
  function target({ skew = 0, route = EVENTS, before: changed = {}, after: tampered = {}, secret = APP.secret, body = BODY } = {}) {
    const all = { auth_key: APP.key, auth_timestamp: now() + skew, auth_version: '1.0', body_md5: crypto.createHash('md5').update(body).digest('hex'), ...changed };
    const query = Object.keys(all).sort().filter((name) => all[name] !== null).map((name) => `${name}=${all[name]}`).join('&');
    const signature = crypto.createHmac('sha256', secret).update(`POST\n${route}\n${query}`).digest('hex');
    return `${route}?${query}&auth_signature=${tampered.signature ?? signature}${tampered.more ?? ''}`;
  }
  const post = (what, body = what?.body ?? BODY) => request(node.ports.listen, target(what), { method: 'POST', body });

  test('a right one: 200', async () => { assert.equal((await post({})).status, 200); });
  test('a byte order mark before it, half a character in its data: 200', async () => {
    assert.equal((await post({ body: `\ufeff${BODY}` })).status, 200);
    assert.equal((await post({ body: '{"name":"e","channel":"a","data":"\\ud800"}' })).status, 200);
  });
  test('a body of any content type: 200', async () => {
    const answer = await request(node.ports.listen, target(), { method: 'POST', body: BODY, headers: { 'Content-Type': 'text/\u00e9junk;;' } });
    assert.equal(answer.status, 200);
  });
  const wrong = {
    'a timestamp 601 s ago': [401, { skew: -601 }],
    'a timestamp in 603 s': [401, { skew: 603 }],
    'a timestamp that is none': [401, { before: { auth_timestamp: '12x' } }],
    'no timestamp': [401, { before: { auth_timestamp: null } }],
    'another version': [401, { before: { auth_version: '2.0' } }],
    'a digest of another body': [401, { before: { body_md5: '0'.repeat(32) } }],
    'no digest': [401, { before: { body_md5: null } }],
    'a signature of another secret': [401, { secret: 'other' }],
    'a truncated signature': [401, { after: { signature: 'abc' } }],
    'an unsigned parameter': [401, { after: { more: '&socket_id=1.2' } }],
    'a parameter that comes twice': [400, { after: { more: `&auth_timestamp=${now()}` } }],
    'a broken escape': [400, { after: { more: '&a=%zz' } }],
    'the key of another app': [401, { before: { auth_key: PAGES.key }, secret: 'other' }],
    'the path of another app': [401, { route: '/apps/pages/events' }],
    'an unknown app': [404, { route: '/apps/nobody/events' }],
    'an app\'s name with an escape': [404, { route: '/apps/app%2Did/events' }],
    'no JSON': [400, { body: 'x' }],
    'nesting of 200,000': [400, { body: '['.repeat(200_000) }],
    'a doubled name': [400, { body: '{"name":"a","name":"b","channel":"a","data":"d"}' }],
    'a byte order mark in the middle': [400, { body: `{\ufeff${BODY.slice(1)}` }],
    'half a character as bytes': [400, { body: Buffer.from('{"name":"e","channel":"a","data":"\xed\xa0\xbd"}', 'latin1') }],
    'null for data': [400, { body: '{"name":"e","channel":"a","data":null}' }],
    'no data': [400, { body: '{"name":"e","channel":"a"}' }],
    'a channel with a line break': [400, { body: '{"name":"e","channel":"a\\r\\nb","data":"d"}' }],
  };
  for (const [what, [status, how]] of Object.entries(wrong)) {
    test(`${what}: ${status}`, async () => {
      const answer = await post(how);
      assert.equal(answer.status, status, answer.body);
      assert.equal(JSON.parse(answer.body).code, status);
    });
  }

  test('an empty body: 400', async () => {
    const query = `auth_key=${APP.key}&auth_timestamp=${now()}&auth_version=1.0`;
    const signature = crypto.createHmac('sha256', APP.secret).update(`POST\n${EVENTS}\n${query}`).digest('hex');
    const { status } = await request(node.ports.listen, `${EVENTS}?${query}&auth_signature=${signature}`, { method: 'POST' });
    assert.equal(status, 400);
  });
});

test('nobody was disturbed', undisturbed);
