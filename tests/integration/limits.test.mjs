// Quotas and rates of apps, caps by address.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { APP, RawClient, server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

/** A mesh whose nodes serve the usual app with these further keys. */
async function withApp(count, keys, body, args = []) {
  const cluster = await Cluster.create(count);
  const file = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(file, `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\n${keys}`);
  for (const node of cluster.nodes) node.args = ['--config', file, ...args];
  try {
    await cluster.start();
    await body(...cluster.nodes);
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
}

/** The status and headers of a signed request. */
function call(node, method, resource, body = '', { secret = APP.secret, skew = 0, digest = body } = {}) {
  const target = `/apps/${APP.appId}/${resource}`;
  const md5 = body ? `&body_md5=${createHash('md5').update(digest).digest('hex')}` : '';
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000) + skew}&auth_version=1.0${md5}`;
  const signature = createHmac('sha256', secret).update(`${method}\n${target}\n${query}`).digest('hex');
  return request(node.ports.listen, `${target}?${query}&auth_signature=${signature}`, { method, body });
}

const publish = (node, channels) => call(node, 'POST', 'events', JSON.stringify({ name: 'e', channels, data: 'd' }));
const names = (count) => Array.from({ length: count }, (_, i) => `c${i}`);

describe('max_connections', () => {
  test('one more gets 4004; a Close makes room at once', () => withApp(1, 'max_connections = 3\n', async (node) => {
    const clients = [];
    for (let i = 0; i < 3; ++i) clients.push(await new RawClient(node).open());
    for (let i = 0; i < 3; ++i) {
      const extra = new RawClient(node);
      assert.equal((await extra.end()).code, 4004);
      assert.deepEqual(extra.frames.map(({ event, data }) => [event, data.code]), [['pusher:error', 4004]]);
    }
    assert.equal(await node.metric('tulle_over_quota_total'), 3);
    clients[0].socket.close(1000);
    await clients[0].end();
    clients[0] = await new RawClient(node).open();
    clients.forEach((client) => client.drop());
  }));

  test('counts over the whole mesh', () => withApp(2, 'max_connections = 4\n', async (one, two) => {
    const clients = [];
    for (let i = 0; i < 4; ++i) clients.push(await new RawClient(one).open());
    await waitFor('the other node to know', async () => {
      const extra = new RawClient(two);
      const end = await Promise.race([extra.end(), extra.open()]);
      extra.drop();
      return end.code === 4004;
    });
    clients.forEach((client) => client.drop());
    await waitFor('room', async () => {
      const next = new RawClient(two);
      const end = await Promise.race([next.end(), next.open()]);
      next.drop();
      return end.code !== 4004;
    });
  }));
});

describe('max_backend_events_per_second', () => {
  test('a point for each channel; 429 says when to come back', () => withApp(1, 'max_backend_events_per_second = 10\n', async (node) => {
    assert.equal((await publish(node, names(9))).status, 200);
    const refused = await publish(node, names(9));
    assert.equal(refused.status, 429);
    assert.equal(JSON.parse(refused.body).code, 429);
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    assert.equal(refused.headers['x-ratelimit-limit'], '10');
    assert.match(refused.headers['x-ratelimit-remaining'], /^\d+$/);
    assert.equal((await call(node, 'GET', 'channels')).status, 200, 'reads are not concerned');
    await waitFor('the allowance to come back', async () => (await publish(node, names(9))).status === 200);
    assert.equal((await publish(node, names(11))).status, 429, 'more than a second has');
    assert.ok(await node.metric('tulle_rate_limited_total') >= 2);
  }));

  test('what is within it passes through any node', () => withApp(2, 'max_backend_events_per_second = 20\n', async (one, two) => {
    for (let i = 0; i < 10; ++i) {
      assert.equal((await publish(one, ['a'])).status, 200);
      assert.equal((await publish(two, ['a'])).status, 200);
    }
  }));
});

test('max_read_requests_per_second', () => withApp(1, 'max_read_requests_per_second = 2\n', async (node) => {
  const statuses = await Promise.all(names(8).map(async () => (await call(node, 'GET', 'channels')).status));
  assert.ok(statuses.filter((status) => status === 429).length >= 4, `${statuses}`);
  assert.ok(statuses.filter((status) => status === 200).length >= 2, `${statuses}`);
  assert.equal((await publish(node, ['a'])).status, 200, 'events are not concerned');
}));

test('the sizes of names, lists and batches are the app\'s', () => withApp(1,
  'max_event_channels_at_once = 2\nmax_event_name_length = 8\nmax_channel_name_length = 5\nmax_event_batch_size = 1\nclient_events = true\n',
  async (node) => {
    assert.equal((await publish(node, names(3))).status, 400);
    assert.equal((await publish(node, ['longer'])).status, 400);
    const event = { name: 'e', channel: 'c', data: 'd' };
    assert.equal((await call(node, 'POST', 'batch_events', JSON.stringify({ batch: [event] }))).status, 200);
    assert.equal((await call(node, 'POST', 'batch_events', JSON.stringify({ batch: [event, event] }))).status, 400);
    assert.equal((await call(node, 'POST', 'events', JSON.stringify({ ...event, name: 'too-longer' }))).status, 400);
    const client = await new RawClient(node).open();
    client.send({ event: 'pusher:subscribe', data: { channel: 'longer' } });
    const { data } = await client.next('pusher:subscription_error');
    assert.equal(data.type, 'LimitReached');
    assert.equal(data.status, 4009);
    client.drop();
  }));

test('max_connections_per_address: one more is closed without a word, and counted', () => withApp(1, '', async (node) => {
  const { host, port } = parts(node.ports.listen);
  const opened = () => new Promise((resolve, reject) => {
    const socket = net.connect(port, host, () => resolve(socket)).on('error', reject);
  });
  const clients = [await new RawClient(node).open(), await new RawClient(node).open()];
  const extra = await opened();
  extra.resume();
  await within(5_000, 'the end of the third', new Promise((resolve) => { extra.on('close', resolve); }));
  assert.equal(extra.bytesRead, 0);
  await waitFor('the counter', async () => await node.metric('tulle_address_capped_total') === 1);
  clients[0].drop();
  await waitFor('room', async () => (await request(node.ports.listen, '/up')).status === 200);
  clients[1].drop();
}, ['--max-connections-per-address', '2']));

describe('wrong signatures', () => {
  const wrong = (node) => call(node, 'GET', 'channels', '', { secret: 'no-secret' });

  test('of one address get 429, and right ones pass', () => withApp(1, '', async (node) => {
    const fromAPage = { method: 'POST', body: '{}', headers: { Origin: 'https://evil.example', 'Content-Type': 'text/plain' } };
    for (let i = 0; i < 5; ++i) assert.equal((await request(node.ports.listen, '/apps/app-id/events?auth_key=a', fromAPage)).status, 401);
    const refused = await wrong(node);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers['retry-after']) > 30);
    assert.equal(refused.headers.connection, 'close');
    assert.equal((await call(node, 'GET', 'channels')).status, 200);
    const client = await new RawClient(node).open();
    const subscribe = (auth) => client.send({ event: 'pusher:subscribe', data: { channel: 'private-a', auth } });
    subscribe(`app-key:${'0'.repeat(64)}`);
    assert.equal((await client.next('pusher:subscription_error')).data.status, 429);
    subscribe(server(node).authorizeChannel(client.socketId, 'private-a').auth);
    await client.next('pusher_internal:subscription_succeeded');
    client.drop();
    assert.equal(await node.metric('tulle_auth_failures_total'), 5);
    assert.equal(await node.metric('tulle_auth_throttled_total'), 2);
  }, ['--auth-failures-per-minute', '5', '--throttle-private-addresses']));

  test('do not hide from their neighbours what is wrong with a clock or a body', () => withApp(1, '', async (node) => {
    for (const skew of [-700, 700]) assert.equal((await call(node, 'GET', 'channels', '', { skew, secret: 'no-secret' })).status, 401);
    assert.equal((await wrong(node)).status, 429);
    for (const skew of [-700, 700]) {
      const { status, body } = await call(node, 'GET', 'channels', '', { skew });
      assert.equal(status, 401);
      assert.match(body, /auth_timestamp \d+ \(.*Z\) is not within 600 seconds of this server's clock, \d+ \(.*Z\): set the clock/);
    }
    const event = JSON.stringify({ name: 'e', channel: 'a', data: 'd' });
    const { status, body } = await call(node, 'POST', 'events', event, { digest: 'another' });
    assert.deepEqual([status, JSON.parse(body).error], [401, 'body_md5 does not match the body']);
    assert.equal((await call(node, 'GET', 'channels', '', { skew: 700, secret: 'no-secret' })).status, 429, 'who guesses is told nothing');
  }, ['--auth-failures-per-minute', '2', '--throttle-private-addresses']));

  test('of a clock that is wrong shut nobody out', () => withApp(1, '', async (node) => {
    for (let i = 0; i < 5; ++i) assert.equal((await call(node, 'GET', 'channels', '', { skew: 700 })).status, 401);
    assert.equal((await wrong(node)).status, 401);
    assert.equal(await node.metric('tulle_auth_failures_total'), 6);
  }, ['--auth-failures-per-minute', '1', '--throttle-private-addresses']));

  test('of loopback, where a proxy may sit, are let be', () => withApp(1, '', async (node) => {
    for (let i = 0; i < 15; ++i) assert.equal((await wrong(node)).status, 401);
    assert.equal((await call(node, 'GET', 'channels')).status, 200);
  }));
});
