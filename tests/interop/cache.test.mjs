// Cache channels: the last event of a channel, for whoever subscribes later, on every node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, RawClient, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withConfigured } from '../support/js/configured.mjs';
import { waitFor } from '../support/js/wait.mjs';

const KINDS = ['cache-a', 'private-cache-a', 'private-encrypted-cache-a', 'presence-cache-a'];

/** Asks for a subscription, rightly signed. */
function subscribe(raw, node, channel) {
  const data = channel.startsWith('presence-') ? JSON.stringify({ user_id: raw.socketId }) : undefined;
  const signature = server(node).config.token.sign([raw.socketId, channel, data].filter(Boolean).join(':'));
  raw.send({ event: 'pusher:subscribe', data: { channel, auth: `${APP.key}:${signature}`, channel_data: data } });
}

/** What a newcomer at `node` gets: the names of its first two frames, and the second one. */
async function newcomer(node, channel) {
  const raw = await new RawClient(node).open();
  subscribe(raw, node, channel);
  await waitFor(`two frames on ${channel}`, () => raw.frames.length >= 2);
  const [first, second] = raw.frames;
  assert.equal(first.event, 'pusher_internal:subscription_succeeded');
  raw.drop();
  return second;
}

const cacheOf = async (node, channel) => (await (await server(node).get({ path: `/channels/${channel}`, params: { info: 'cache' } })).json()).cache;
const miss = (channel) => ({ event: 'pusher:cache_miss', channel });
const event = (channel, data) => ({ channel, event: 'e', data: JSON.stringify(data) });

for (const count of [1, 3]) {
  test(`on ${count} node(s), newcomers get the last event, or are told that there is none`, () => withCluster(count, {},
    async ({ nodes }) => {
      const last = nodes[count - 1];
      for (const channel of KINDS) {
        assert.deepEqual(await newcomer(last, channel), miss(channel));
        assert.equal(await cacheOf(nodes[0], channel), null);
        const path = { path: '/events', body: { name: 'e', channels: ['plain', channel], data: '{"n":1}' } };
        assert.equal((await server(nodes[0]).post(path)).status, 200, 'the kit would encrypt, or refuse two channels');
        await server(nodes[0]).post({ path: '/events', body: { name: 'e', channel, data: JSON.stringify({ n: 2, text: 'é"\\' }) } });
        for (const node of nodes) {
          assert.deepEqual(await newcomer(node, channel), event(channel, { n: 2, text: 'é"\\' }), `${channel} on ${node.name}`);
          const { data, ttl } = await cacheOf(node, channel);
          assert.deepEqual(JSON.parse(data), { n: 2, text: 'é"\\' });
          assert.ok(ttl > 1700 && ttl <= 1800, `${ttl}`);
        }
      }
      assert.deepEqual(await (await server(last).get({ path: '/channels/plain', params: { info: 'cache' } })
        .catch((error) => error)).status, 400);
    }));

  test(`on ${count} node(s), each subscription is answered by success and one event, in order`, () => withCluster(count, {},
    async ({ nodes }) => {
      const node = nodes[count - 1];
      await server(nodes[0]).trigger('cache-a', 'e', { n: 1 });
      const raw = await new RawClient(node).open();
      for (let i = 0; i < 3; ++i) {
        subscribe(raw, node, 'cache-a');
        raw.send({ event: 'pusher:unsubscribe', data: { channel: 'cache-a' } });
      }
      subscribe(raw, node, 'cache-a');
      raw.send({ event: 'pusher:ping', data: {} });
      const other = await new RawClient(node).open();
      subscribe(other, node, 'cache-a');
      await other.next('e');
      await server(nodes[0]).trigger('cache-a', 'e', { n: 2 });
      await waitFor('the live event', () => raw.frames.some(({ data }) => data === '{"n":2}'));
      const names = raw.frames.filter((frame) => frame.channel === 'cache-a').map(({ event: name, data }) => `${name} ${data}`);
      const pairs = names.slice(0, -1);
      assert.equal(names.at(-1), 'e {"n":2}');
      assert.ok(pairs.length >= 2 && pairs.length % 2 === 0, names.join());
      pairs.forEach((name, i) => assert.equal(name, i % 2 ? 'e {"n":1}' : 'pusher_internal:subscription_succeeded {}'));
      [raw, other].forEach((connection) => connection.drop());
    }));
}

test('client events and events of the server itself are not kept; what one connection is spared is', () => withCluster(2, {},
  async ({ nodes: [n1, n2] }) => {
    const [one, two] = [await new RawClient(n1).open(), await new RawClient(n2).open()];
    subscribe(one, n1, 'presence-cache-a');
    await one.next('pusher:cache_miss');
    subscribe(two, n2, 'presence-cache-a');
    await two.next('pusher:cache_miss');
    await one.next('pusher_internal:member_added');
    one.send({ event: 'client-e', channel: 'presence-cache-a', data: {} });
    await two.next('client-e');
    assert.deepEqual(await newcomer(n2, 'presence-cache-a'), miss('presence-cache-a'));
    await server(n1).trigger('presence-cache-a', 'e', { n: 1 }, { socket_id: one.socketId });
    await two.next('e');
    assert.deepEqual(await newcomer(n1, 'presence-cache-a'), event('presence-cache-a', { n: 1 }));
    [one, two].forEach((raw) => raw.drop());
  }));

test('the node that published an event may die', () => withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => {
  const channels = Array.from({ length: 20 }, (_, i) => `cache-${i}`);
  const witness = await new RawClient(n2).open();
  subscribe(witness, n2, 'news');
  await witness.next('pusher_internal:subscription_succeeded');
  for (const channel of [...channels, 'news']) await server(n1).trigger(channel, 'e', { channel });
  await witness.next('e');  // what came before it has reached another node too
  witness.drop();
  await n1.kill();
  for (const channel of channels) {
    assert.deepEqual(await newcomer(n3, channel), event(channel, { channel }));
    assert.deepEqual(JSON.parse((await cacheOf(n2, channel)).data), { channel });
  }
}));

test('pusher-js gets the last event as any other, and the miss as pusher:cache_miss', () => withCluster(3, {},
  ({ nodes: [n1, n2, n3] }) => withClients([n2, n3], async (early, late) => {
    const missed = [];
    const heard = [];
    const first = early.subscribe('private-cache-a');
    first.bind('pusher:cache_miss', (data) => missed.push(data));
    first.bind('e', (data) => heard.push(data));
    await waitFor('the miss', () => missed.length > 0);
    await server(n1).trigger('private-cache-a', 'e', { n: 1 });
    await waitFor('the event', () => heard.length > 0);
    const replayed = [];
    late.bind_global((name, data) => { if (name === 'e') replayed.push(data); });
    await subscribed(late, 'private-cache-a');
    await waitFor('the last event', () => replayed.length > 0);
    assert.deepEqual([heard, replayed, missed.length], [[{ n: 1 }], [{ n: 1 }], 1]);
  })));

test('an app may keep nothing', () => withConfigured(2, ['cache_ttl = 0'], {}, async ({ nodes: [n1, n2] }) => {
  await server(n1).trigger('cache-a', 'e', {});
  assert.deepEqual(await newcomer(n1, 'cache-a'), miss('cache-a'));
  assert.deepEqual(await newcomer(n2, 'cache-a'), miss('cache-a'));
  assert.equal(await cacheOf(n1, 'cache-a'), null);
}));

test('a last event is kept for the time of its app', () => withConfigured(2, ['cache_ttl = 1'], {}, async ({ nodes: [n1, n2] }) => {
  const witness = await new RawClient(n2).open();
  subscribe(witness, n2, 'cache-a');
  await witness.next('pusher:cache_miss');
  await server(n1).trigger('cache-a', 'e', {});
  await witness.next('e');
  assert.equal((await cacheOf(n2, 'cache-a')).ttl, 1);
  await waitFor('its end', async () => await cacheOf(n2, 'cache-a') === null, { ms: 5_000 });
  assert.deepEqual(await newcomer(n2, 'cache-a'), miss('cache-a'), 'where it was delivered');
  assert.deepEqual(await newcomer(n1, 'cache-a'), miss('cache-a'), 'where it was published');
  witness.drop();
}));
