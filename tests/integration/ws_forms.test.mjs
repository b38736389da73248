// What a WebSocket may be offered, asked and told: RFC 6455, RFC 7692, and the limits of an app on its own clients.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import WebSocket from 'ws';
import { APP, RawClient, server } from '../support/js/clients.mjs';
import { Cluster, withCluster } from '../support/js/cluster.mjs';
import { FrameSocket, frame } from '../support/js/frames.mjs';
import { generator } from '../support/js/random.mjs';
import { waitFor } from '../support/js/wait.mjs';

const KILOBYTE = 1024;
const SMALL = { appId: 'small', key: 'small-key', secret: 'small-secret' };
const LARGE = { appId: 'large', key: 'large-key', secret: 'large-secret' };
let cluster;
let node;
let file;

const app = ({ appId, key, secret }, bytes) =>
  `[[apps]]\nid = "${appId}"\nkey = "${key}"\nsecret = "${secret}"\nclient_events = true\n${bytes ? `max_event_bytes = ${bytes}\n` : ''}`;

before(async () => {
  cluster = await Cluster.create(1);
  [node] = cluster.nodes;
  file = path.join(cluster.directory, 'tulled.toml');
  await fs.writeFile(file, app(APP) + app(SMALL, 10 * KILOBYTE) + app(LARGE, 500 * KILOBYTE));
  node.args = ['--config', file, '--permessage-deflate'];
  await cluster.start();
});
after(() => cluster?.stop());

async function joined(credentials = APP, channel = 'private-a', options = {}, at = node) {
  const raw = await new RawClient(at, `/app/${credentials.key}?protocol=7`, options).open();
  const auth = `${credentials.key}:${server(node, credentials).config.token.sign(`${raw.socketId}:${channel}`)}`;
  raw.send({ event: 'pusher:subscribe', data: { channel, auth } });
  await raw.next('pusher_internal:subscription_succeeded');
  return raw;
}

const say = (raw, bytes) => raw.send({ event: 'client-a', channel: 'private-a', data: 'x'.repeat(bytes) });

describe('sub-protocols', () => {
  const offered = async (fields) => {
    const socket = await new FrameSocket(node, fields).open();
    socket.drop();
    return /^Sec-WebSocket-Protocol: (.*)$/im.exec(socket.head)?.[1];
  };

  test('that of the iOS SDK is answered; of several, one that is spoken here', async () => {
    assert.equal(await offered({ 'Sec-WebSocket-Protocol': 'pusher-channels-protocol-7' }), 'pusher-channels-protocol-7');
    assert.equal(await offered({ 'Sec-WebSocket-Protocol': 'mqtt, pusher-channels-protocol-9, pusher-channels-protocol-6' }), 'pusher-channels-protocol-6');
    assert.equal(await offered({ 'Sec-WebSocket-Protocol': ['mqtt', 'pusher-channels-protocol-5'] }), 'pusher-channels-protocol-5');
  });

  test('of others none is answered', async () => {
    for (const fields of [{}, { 'Sec-WebSocket-Protocol': 'mqtt' }, { 'Sec-WebSocket-Protocol': '' }]) assert.equal(await offered(fields), undefined);
  });

  test('a client that insists on it connects, also to be told that its version is not spoken', async () => {
    const insist = (version) => new WebSocket(`ws://${node.ports.listen}/app/${APP.key}?protocol=${version}`, [`pusher-channels-protocol-${version}`]);
    const good = insist(7);
    await waitFor('the connection', () => good.readyState === WebSocket.OPEN);
    assert.equal(good.protocol, 'pusher-channels-protocol-7');
    good.terminate();
    const old = insist(3);
    const code = await new Promise((resolve, reject) => { old.on('close', resolve).on('error', reject); });
    assert.equal(code, 4007);
  });
});

test('pings and pongs bear their data as a string', async () => {
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:ping' });
  assert.deepEqual(await raw.next('pusher:pong'), { event: 'pusher:pong', data: '{}' });
  raw.drop();
});

describe('permessage-deflate', () => {
  const extension = async (offer) => {
    const socket = await new FrameSocket(node, { 'Sec-WebSocket-Extensions': offer }).open();
    return { socket, agreed: /^Sec-WebSocket-Extensions: (.*)$/im.exec(socket.head)?.[1] ?? '' };
  };

  test('the smallest window is agreed to as it is, and messages go plain', async () => {
    const { socket, agreed } = await extension('permessage-deflate; server_max_window_bits=8');
    assert.match(agreed, /server_max_window_bits=8(;|$)/);
    socket.write(frame({ payload: JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'news' } }) }));
    await waitFor('the subscription', () => socket.texts.some(({ event }) => event === 'pusher_internal:subscription_succeeded'));
    const data = 'the same words again and again, '.repeat(30);
    await server(node).trigger('news', 'e', data);
    await waitFor('the event, not compressed', () => socket.texts.some((text) => text.event === 'e' && JSON.parse(JSON.stringify(text.data)) === data));
    socket.drop();
  });

  test('the first offer that can be accepted is, on whichever line it comes', async () => {
    for (const offer of ['permessage-deflate; server_max_window_bits=7, permessage-deflate; client_max_window_bits=9',
      ['x-webkit-deflate-frame', 'permessage-deflate; client_max_window_bits="9"']]) {
      const { socket, agreed } = await extension(offer);
      assert.match(agreed, /^permessage-deflate;.*client_max_window_bits=9/);
      socket.drop();
    }
    const { socket, agreed } = await extension('permessage-deflate; unknown');
    assert.equal(agreed, '');
    socket.drop();
  });

  test('whatever comes compressed and cannot be read, a Close frame comes before the end of TCP', async () => {
    const random = generator(7);
    const good = zlib.deflateRawSync(Buffer.from('{"event":"pusher:ping","data":{}}'.repeat(20)), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const bad = [Buffer.alloc(500, 0xff), Buffer.from([0x06]), Buffer.from([0x07]), Buffer.from('nonsense'), zlib.deflateSync('with a head of zlib'),
      zlib.gzipSync('with a head of gzip')];
    for (let i = 0; i < 150; ++i) {
      const bytes = Buffer.from(i % 3 === 0 ? Array.from({ length: 1 + random(60) }, () => random(256)) : good);
      if (i % 3 !== 0) for (let flips = 0; flips < 3; ++flips) bytes[random(bytes.length)] ^= 1 << random(8);
      bad.push(bytes);
    }
    let refused = 0;
    for (const payload of bad) {
      const { socket } = await extension('permessage-deflate');
      const first = payload.length >> 1;
      if (bad.indexOf(payload) % 2 === 0) socket.write(frame({ first: 0xc1, payload }));
      else socket.write(frame({ first: 0x41, payload: payload.subarray(0, first) }), frame({ first: 0x80, payload: payload.subarray(first) }));
      socket.write(frame({ first: 0x81, payload: '{"event":"pusher:ping","data":"end"}' }));
      let isEnded = false;
      socket.ended.then(() => { isEnded = true; });
      await waitFor('an answer or the end', () => socket.code !== null || isEnded || socket.texts.some(({ event }) => event === 'pusher:pong'));
      const isTaken = socket.texts.some(({ event }) => event === 'pusher:pong');
      if (!isTaken) {
        assert.ok([1002, 1007].includes(socket.code), `${payload.toString('hex')}: closed with ${socket.code}`);
        ++refused;
      }
      socket.drop();
    }
    assert.ok(refused >= 50, `${refused}`);
  });
});

describe('close codes', () => {
  const answered = async (code) => {
    const socket = await new FrameSocket(node).open();
    const mask = Buffer.from([0xa5, 0x5a, 0x13, 0x7f]);
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from('bye')]).map((byte, i) => byte ^ mask[i % 4]);
    socket.write(Buffer.concat([Buffer.from([0x88, 0x80 | payload.length]), mask, payload]));
    return socket.end();
  };

  test('each that a peer may send is answered with itself', async () => {
    const before = await node.metric('tulle_bad_frames_total');
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3008, 3999, 4000, 4100, 4999]) {
      assert.equal(await answered(code), code);
    }
    assert.equal(await node.metric('tulle_bad_frames_total'), before);
  });

  test('others with 1002', async () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999]) assert.equal(await answered(code), 1002, `${code}`);
  });
});

describe('too large', () => {
  test('a client event above its app\'s limit is told 4301, up to four times the limit, and the connection goes on', async () => {
    const raw = await joined();
    for (const size of [103, 110, 150, 256, 380]) {
      say(raw, size * KILOBYTE);
      const { channel, data } = await raw.next('pusher:error');
      assert.deepEqual([channel, data.code], ['private-a', 4301], `${size} KB`);
    }
    say(raw, 100);
    raw.send({ event: 'pusher:ping' });
    await raw.next('pusher:pong');
    raw.drop();
  });

  test('past that the connection is closed with 1009, and told why before', async () => {
    for (const options of [{}, { perMessageDeflate: { threshold: 0 } }]) {
      const raw = await joined(APP, 'private-a', options);
      raw.send({ event: 'client-a', channel: 'private-a', data: crypto.randomBytes(450 * KILOBYTE).toString('base64') });
      assert.equal((await raw.end()).code, 1009);
      const { data } = await raw.next('pusher:error');
      assert.deepEqual([data.code, data.message], [4301, 'The message is larger than 417792 bytes, and the connection is closed']);
    }
  });

  test('the limit is the app\'s own, whatever others allow', async () => {
    const small = await joined(SMALL);
    say(small, 200 * KILOBYTE);
    assert.equal((await small.next('pusher:error')).data.code, 4301);
    say(small, 300 * KILOBYTE);
    assert.equal((await small.end()).code, 1009);
    const large = await joined(LARGE);
    const listener = await joined(LARGE);
    say(large, 490 * KILOBYTE);
    assert.equal((await listener.next('client-a')).data.length, 490 * KILOBYTE);
    say(large, 900 * KILOBYTE);
    assert.equal((await large.next('pusher:error')).data.code, 4301);
    large.drop();
    listener.drop();
  });

  test('an event that no outbox can hold, as escapes make it long, is told 4301 and ends nobody', async () => {
    await withCluster(1, { start: false }, async (narrow) => {
      const [small] = narrow.nodes;
      const config = path.join(narrow.directory, 'tulled.toml');
      await fs.writeFile(config, app(APP));
      small.args = ['--config', config, '--outbox-bytes', '262144'];
      await narrow.start();
      const [speaker, listener] = await Promise.all([1, 2].map(() => joined(APP, 'private-a', {}, small)));
      speaker.send(`{"event":"client-a","channel":"private-a","data":"${'\\u0061'.repeat(60_000)}"}`);
      assert.equal((await speaker.next('pusher:error')).data.code, 4301);
      say(speaker, 10);
      assert.equal((await listener.next('client-a')).data, 'x'.repeat(10), 'it is still there');
      speaker.drop();
      listener.drop();
    });
  });

  test('who closes with 1009 itself is told nothing of a message of its own', async () => {
    const raw = await joined();
    raw.socket.close(1009);
    assert.equal((await raw.end()).code, 1009);
    assert.deepEqual(raw.frames.map(({ event }) => event), []);
  });

  test('a limit that is raised holds for who is connected', async () => {
    const small = await joined(SMALL);
    await fs.writeFile(file, app(APP) + app(SMALL, 200 * KILOBYTE) + app(LARGE, 500 * KILOBYTE));
    const before = await node.metric('tulle_config_reloads_total');
    node.program.kill('SIGHUP');
    await waitFor('the reload', async () => (await node.metric('tulle_config_reloads_total')) > before);
    const listener = await joined(SMALL);
    say(small, 190 * KILOBYTE);
    assert.equal((await listener.next('client-a')).data.length, 190 * KILOBYTE);
    say(small, 700 * KILOBYTE);
    assert.equal((await small.next('pusher:error')).data.code, 4301);
    small.drop();
    listener.drop();
  });
});
