// The wire protocol where the official clients seldom go: liveness, limits, codes.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { APP, RawClient, client, connected, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

/** Runs `body` with one node whose app has these settings beside its credentials. */
async function withApp(settings, body, args = []) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-wire-'));
  const file = path.join(directory, 'tulled.toml');
  const app = `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\nclient_events = true\n`;
  try {
    await fs.writeFile(file, app + Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join(''));
    await withCluster(1, { args: ['--config', file, ...args] }, ({ nodes: [node] }) => body(node));
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

async function join(raw, node, channel) {
  const auth = `${APP.key}:${server(node).config.token.sign(`${raw.socketId}:${channel}`)}`;
  raw.send({ event: 'pusher:subscribe', data: { channel, auth } });
  await raw.next('pusher_internal:subscription_succeeded');
}

const ALIVE = ['--activity-timeout', '1', '--pong-timeout', '1'];

test('a silent client is pinged, then closed with 4201; one that answers lives', () => withApp({}, async (node) => {
  const [silent, lively] = [await new RawClient(node).open(), await new RawClient(node).open()];
  const pong = setInterval(() => {
    while (lively.frames.some(({ event }) => event === 'pusher:ping')) {
      lively.frames.splice(lively.frames.findIndex(({ event }) => event === 'pusher:ping'), 1);
      lively.send({ event: 'pusher:pong', data: {} });
    }
  }, 20);
  await silent.next('pusher:ping');
  assert.equal((await silent.next('pusher:error')).data.code, 4201);
  assert.equal((await silent.end()).code, 4201);
  clearInterval(pong);
  lively.send({ event: 'pusher:ping' });
  await lively.next('pusher:pong');
  lively.drop();
}, ALIVE));

test('pings of RFC 6455 are answered, and keep a client alive that says nothing else', () => withApp({}, async (node) => {
  const raw = await new RawClient(node).open();
  let pongs = 0;
  raw.socket.on('pong', () => { ++pongs; setTimeout(() => raw.socket.ping('x'), 300); });
  raw.socket.ping('x');
  await waitFor('pongs for longer than a silent client is borne', () => pongs >= 14, { ms: 20_000 });
  assert.equal(raw.socket.readyState, raw.socket.OPEN);
  raw.drop();
}, ['--activity-timeout', '1', '--pong-timeout', '2']));

test('a connection that is granted nothing in time is closed with 4009, and pusher-js does not come again', () =>
  withApp({ authorization_timeout: 1 }, async (node) => {
    const granted = client(node);
    const idle = client(node);
    try {
      await subscribed(granted, 'private-a');
      await subscribed(idle, 'public');
      const errors = [];
      idle.connection.bind('error', ({ data }) => errors.push(data?.code ?? data));
      await waitFor('the idle one to be closed', () => idle.connection.state === 'disconnected');
      assert.ok(errors.includes(4009), JSON.stringify(errors));
      assert.equal(granted.connection.state, 'connected');
    } finally {
      granted.disconnect();
      idle.disconnect();
    }
  }));

test('client events over the allowance are refused with 4301 on their channel; the rest arrives', () =>
  withApp({ client_events_per_second: 5 }, async (node) => {
    const [sender, receiver] = [await new RawClient(node).open(), await new RawClient(node).open()];
    for (const raw of [sender, receiver]) await join(raw, node, 'private-a');
    for (let n = 0; n < 20; ++n) sender.send({ event: 'client-e', channel: 'private-a', data: { n } });
    await waitFor('the refusals', () => sender.frames.length >= 14);
    for (const { event, channel, data } of sender.frames) {
      assert.deepEqual([event, channel, data.code], ['pusher:error', 'private-a', 4301]);
    }
    await waitFor('the others', () => receiver.frames.length >= 5);
    assert.equal(sender.frames.length + receiver.frames.length, 20);
    sender.send({ event: 'pusher:ping' });
    await sender.next('pusher:pong');
    [sender, receiver].forEach((raw) => raw.drop());
  }));

test('client events are refused where they are off, on public and encrypted channels, and without a subscription', () =>
  withApp({}, async (node) => {
    const raw = await new RawClient(node).open();
    await join(raw, node, 'private-encrypted-a');
    await join(raw, node, 'private-a');
    for (const message of [
      { channel: 'news' }, { channel: 'private-encrypted-a' }, { channel: 'private-elsewhere' },
      { event: `client-${'e'.repeat(200)}`, channel: 'private-a' }, { channel: 'private-a', data: 'x'.repeat(103_000) },
    ]) {
      raw.send({ event: 'client-e', data: {}, ...message });
      const { channel, data } = await raw.next('pusher:error');
      assert.deepEqual([channel, data.code], [message.channel, 4301]);
    }
    raw.drop();
  }));

test('data of client events arrives byte for byte', () => withApp({}, async (node) => {
  const [sender, receiver] = [await new RawClient(node).open(), await new RawClient(node).open()];
  for (const raw of [sender, receiver]) await join(raw, node, 'private-a');
  const frames = [];
  receiver.socket.on('message', (bytes) => frames.push(bytes.toString()));
  for (const data of ['{"a" : 1.0,"a":[1e400, 18446744073709551616 ]}', '"\\u00e9 \\/"', 'null', '-0.0', '[ ]']) {
    sender.send(`{"event":"client-e","data": ${data} ,"channel":"private-a"}`);
    await waitFor('the event', () => frames.length > 0);
    assert.equal(frames.pop(), `{"channel":"private-a","event":"client-e","data":${data}}`);
  }
  [sender, receiver].forEach((raw) => raw.drop());
}));

test('a private channel\'s channel_data is part of what is signed', () => withApp({}, async (node) => {
  const raw = await new RawClient(node).open();
  const data = '{"user_id":"u"}';
  const sign = (text) => `${APP.key}:${server(node).config.token.sign(text)}`;
  raw.send({ event: 'pusher:subscribe', data: { channel: 'private-a', channel_data: data, auth: sign(`${raw.socketId}:private-a:${data}`) } });
  await raw.next('pusher_internal:subscription_succeeded');
  raw.send({ event: 'pusher:subscribe', data: { channel: 'private-b', channel_data: data, auth: sign(`${raw.socketId}:private-b`) } });
  assert.equal((await raw.next('pusher:subscription_error')).data.status, 401);
  raw.drop();
}));

test('a disabled app is refused with 4003 and 403', () => withApp({ enabled: false }, async (node) => {
  const raw = new RawClient(node);
  assert.equal((await raw.next('pusher:error')).data.code, 4003);
  assert.equal((await raw.end()).code, 4003);
  const answer = await server(node).trigger('a', 'e', 'd').catch((error) => error);
  assert.equal(answer.status, 403);
}));

test('a Close frame counts as leaving at once', () => withApp({}, async (node) => {
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
  await raw.next('pusher_internal:subscription_succeeded');
  const count = async () => (await (await server(node).get({ path: '/channels/news' })).json()).subscription_count;
  assert.equal(await count(), 1);
  raw.socket.close();
  await waitFor('it to have left', async () => (await count()) === 0, { ms: 1_000 });
}));

test('a socket id is what every kit accepts', () => withApp({}, async (node) => {
  const pusher = client(node);
  try {
    assert.match(await connected(pusher), /^\d+\.\d+$/);
  } finally {
    pusher.disconnect();
  }
}));
