// Channels over several nodes, with pusher-js and the official server kit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBalancer } from '../support/js/balancer.mjs';
import { client, connected, inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

const FRESH = 200;

async function channels(node, path = '/channels', params = {}) {
  const answer = await server(node).get({ path, params });
  return answer.json();
}

test(`${FRESH} fresh channels, one after the other: what is triggered elsewhere right after subscription_succeeded arrives`,
  () => withCluster(3, {}, ({ nodes: [n1, , n3] }) => withClients([n1], async (pusher) => {
    const publisher = server(n3);
    const inboxes = [];
    for (let i = 0; i < FRESH; ++i) {
      inboxes.push(inbox(await subscribed(pusher, `fresh-${i}`), 'first'));
      await publisher.trigger(`fresh-${i}`, 'first', { i });
    }
    await waitFor('an event on each', () => inboxes.every((received) => received.length > 0));
    inboxes.forEach((received, i) => assert.deepEqual(received, [{ i }]));
  })));

test(`${FRESH} fresh channels, all at once, on all nodes`, () => withCluster(3, {}, ({ nodes }) =>
  withClients(nodes, async (...clients) => {
    const inboxes = await Promise.all(Array.from({ length: FRESH }, async (_, i) => {
      const received = inbox(await subscribed(clients[i % 3], `fresh-${i}`), 'first');
      await server(nodes[(i + 1) % 3]).trigger(`fresh-${i}`, 'first', { i });
      return received;
    }));
    await waitFor('an event on each', () => inboxes.every((received) => received.length > 0));
    inboxes.forEach((received, i) => assert.deepEqual(received, [{ i }]));
  })));

test('a private channel is granted to a right signature and refused to a wrong one', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withClients([n1], async (pusher) => {
    const received = inbox(await subscribed(pusher, 'private-a'), 'greeting');
    await server(n2).trigger('private-a', 'greeting', 'hello');
    await waitFor('the event', () => received.length > 0);
    assert.deepEqual(received, ['hello']);

    const stranger = client(n1, {
      channelAuthorization: {
        customHandler: ({ socketId }, done) => done(null, server(n1).authorizeChannel(socketId, 'private-other')),
      },
    });
    try {
      await assert.rejects(subscribed(stranger, 'private-a'), /"status":401/);
      assert.equal(stranger.connection.state, 'connected');
    } finally {
      stranger.disconnect();
    }
  })));

test('a client event reaches the subscribers at all nodes, but not its sender', () => withCluster(3, {}, ({ nodes }) =>
  withClients(nodes, async (...clients) => {
    const subscriptions = await Promise.all(clients.map((pusher) => subscribed(pusher, 'private-room')));
    const inboxes = subscriptions.map((channel) => inbox(channel, 'client-said'));
    assert.ok(subscriptions[0].trigger('client-said', { text: 'one' }));
    assert.ok(subscriptions[1].trigger('client-said', { text: 'two' }));
    await waitFor('both at the third', () => inboxes[2].length >= 2);
    await waitFor('the other\'s at each sender', () => inboxes[0].length >= 1 && inboxes[1].length >= 1);
    assert.deepEqual(inboxes[0], [{ text: 'two' }]);
    assert.deepEqual(inboxes[1], [{ text: 'one' }]);
    assert.deepEqual(inboxes[2].map(({ text }) => text).sort(), ['one', 'two']);
  })));

test('an event excludes the socket it names, wherever that is connected', () => withCluster(3, {},
  ({ nodes: [n1, n2, n3] }) => withClients([n1, n2], async (left, right) => {
    const atLeft = inbox(await subscribed(left, 'news'), 'tick');
    const atRight = inbox(await subscribed(right, 'news'), 'tick');
    await server(n3).trigger('news', 'tick', { n: 1 }, { socket_id: await connected(left) });
    await server(n3).trigger('news', 'tick', { n: 2 });
    await waitFor('the second event at both', () => atLeft.length >= 1 && atRight.length >= 2);
    assert.deepEqual(atLeft, [{ n: 2 }]);
    assert.deepEqual(atRight, [{ n: 1 }, { n: 2 }]);
  })));

test('one event for many channels reaches each', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withClients([n1], async (pusher) => {
    const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
    const inboxes = await Promise.all(names.map(async (name) => inbox(await subscribed(pusher, name), 'tick')));
    await server(n2).trigger(names, 'tick', 'one');
    await waitFor('the event on each', () => inboxes.every((received) => received.length > 0));
    inboxes.forEach((received) => assert.deepEqual(received, ['one']));
  })));

test('reads see the subscribers of all nodes, from any node', () => withCluster(3, {}, ({ nodes }) =>
  withClients(nodes, async (...clients) => {
    await Promise.all(clients.map((pusher) => subscribed(pusher, 'everywhere')));
    await subscribed(clients[1], 'only-second');
    for (const node of nodes) {
      const all = (await channels(node)).channels;
      assert.deepEqual(Object.keys(all).sort(), ['everywhere', 'only-second']);
      const filtered = (await channels(node, '/channels', { filter_by_prefix: 'only-' })).channels;
      assert.deepEqual(Object.keys(filtered), ['only-second']);
      assert.deepEqual(await channels(node, '/channels/everywhere'), { occupied: true, subscription_count: 3 });
      assert.deepEqual(await channels(node, '/channels/nowhere'), { occupied: false, subscription_count: 0 });
    }
  })));

test('who unsubscribes or disconnects gets nothing more, and is counted no more', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withClients([n1, n2], async (first, second) => {
    const atFirst = inbox(await subscribed(first, 'news'), 'tick');
    const atSecond = inbox(await subscribed(second, 'news'), 'tick');
    await server(n2).trigger('news', 'tick', 1);
    await waitFor('the event at both', () => atFirst.length === 1 && atSecond.length === 1);
    first.unsubscribe('news');
    await waitFor('one subscriber', async () => (await channels(n2, '/channels/news')).subscription_count === 1);
    await server(n1).trigger('news', 'tick', 2);
    await waitFor('the event at the other', () => atSecond.length === 2);
    assert.deepEqual(atFirst, [1]);
    second.disconnect();
    await waitFor('no subscriber', async () => !(await channels(n1, '/channels/news')).occupied);
    const again = inbox(await subscribed(first, 'news'), 'tick');
    await server(n2).trigger('news', 'tick', 3);
    await waitFor('the event after subscribing again', () => again.length > 0);
    assert.deepEqual(again, [3]);
  })));

for (const [how, signal] of [['leaves', 'SIGTERM'], ['is killed', 'SIGKILL']]) {
  test(`behind a load balancer, pusher-js goes on at another node when its own ${how}, and subscribes again by itself`,
    () => withCluster(2, {}, ({ nodes: [n1, n2] }) => withBalancer([n1, n2], (balancer) =>
      withClients([balancer], async (pusher) => {
        const received = inbox(await subscribed(pusher, 'news'), 'tick');
        assert.equal(balancer.chosen, n1);
        n1.program.kill(signal);
        await waitFor('the client to be counted at the other node', async () => {
          const { subscription_count: count } = await channels(n2, '/channels/news');
          return balancer.chosen === n2 && count === 1;
        });
        await server(n2).trigger('news', 'tick', 1);
        await waitFor('the event', () => received.length > 0);
        assert.deepEqual(received, [1]);
      }))));
}
