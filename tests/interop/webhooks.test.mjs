// Webhooks of one node and of three, received by a real server and verified by the official server kit.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { client, connected, inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { ROOM, withUsers } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { isAuthentic, withBackend } from '../support/js/webhooks.mjs';

for (const count of [1, 3]) {
  const on = `on ${count} node(s),`;
  const at = (nodes, i) => nodes[i % count];

  test(`${on} a channel is occupied once and vacated once`, () => withBackend(count, {}, async ({ nodes }, backend) => {
    await withClients([0, 1, 2].map((i) => at(nodes, i)), async (...clients) => {
      for (const pusher of clients) await subscribed(pusher, 'private-x');
      await waitFor('the number', () => backend.of('private-x', 'subscription_count').at(-1)?.subscription_count === 3);
      clients[0].unsubscribe('private-x');
      clients[1].disconnect();
      await waitFor('the smaller number', () => backend.of('private-x', 'subscription_count').at(-1)?.subscription_count === 1);
    });
    await waitFor('the end', () => backend.names('private-x').includes('channel_vacated'));
    assert.deepEqual(backend.of('private-x', 'channel_occupied', 'channel_vacated'), [
      { name: 'channel_occupied', channel: 'private-x' }, { name: 'channel_vacated', channel: 'private-x' },
    ]);
    assert.equal(backend.names('private-x')[0], 'channel_occupied');
    assert.ok(backend.requests.every((request) => isAuthentic(nodes[0], request)));
    const { body } = backend.requests[0];
    assert.equal(JSON.stringify(JSON.parse(body)), body);
    assert.ok(Math.abs(JSON.parse(body).time_ms - Date.now()) < 60_000);
    assert.ok(!isAuthentic(nodes[0], { ...backend.requests[0], body: body.replace('private-x', 'private-y') }));
  }));

  test(`${on} a user comes once and goes once, with the id as a string`, () => withBackend(count, {}, ({ nodes }, backend) =>
    withUsers(async (enter) => {
      const members = () => backend.of(ROOM, 'member_added', 'member_removed');
      const views = [];
      for (let i = 0; i < 3; ++i) views.push(await enter(at(nodes, i), 7));
      const other = await enter(at(nodes, 1), 'other');
      await waitFor('the joins', () => members().length === 2);
      for (const view of views) view.pusher.disconnect();
      await waitFor('the departure', () => members().length === 3);
      other.pusher.disconnect();
      await waitFor('the end', () => members().length === 4 && backend.names(ROOM).includes('channel_vacated'));
      assert.deepEqual(members().map(({ name, user_id: user }) => [name, user]), [
        ['member_added', '7'], ['member_added', 'other'], ['member_removed', '7'], ['member_removed', 'other'],
      ]);
      assert.deepEqual(backend.of(ROOM, 'subscription_count'), []);
    })));

  test(`${on} client events are told, once and in order`, () => withBackend(count, { app: { client_events_per_second: 0 } },
    ({ nodes }, backend) => withUsers(async (enter) => {
      const sender = await enter(at(nodes, 1), 'me');
      const socket = await connected(sender.pusher);
      for (let i = 0; i < 50; ++i) sender.channel.trigger('client-e', { i, text: '"ä/\n' });
      await waitFor('the events', () => backend.of(ROOM, 'client_event').length >= 50);
      assert.deepEqual(backend.of(ROOM, 'client_event'), Array.from({ length: 50 }, (_, i) => ({
        name: 'client_event', channel: ROOM, socket_id: socket, event: 'client-e', data: JSON.stringify({ i, text: '"ä/\n' }), user_id: 'me',
      })));
    })));

  test(`${on} an endpoint that keeps types gets objects and numbers, the other one strings`, () => withBackend(count,
    { webhooks: (url) => [{ url }, { url: `${url}/typed`, keep_types: true }] }, ({ nodes }, backend) => withUsers(async (enter) => {
      const sender = await enter(at(nodes, 1), 7);
      sender.channel.trigger('client-e', { a: [1, null] });
      const told = (path) => backend.requests.filter((request) => request.path === path)
        .flatMap(({ body }) => JSON.parse(body).events).filter(({ name }) => ['member_added', 'client_event'].includes(name))
        .map(({ name, user_id: user, data }) => [name, user, data]).sort();
      await waitFor('both', () => told('/hook').length === 2 && told('/hook/typed').length === 2);
      assert.deepEqual(told('/hook'), [['client_event', '7', '{"a":[1,null]}'], ['member_added', '7', undefined]]);
      assert.deepEqual(told('/hook/typed'), [['client_event', 7, { a: [1, null] }], ['member_added', 7, undefined]]);
      // What readers refuse is a string, so that they are not kept from the rest.
      const deep = Array.from({ length: 61 }).reduce((inner) => [inner], []);
      sender.channel.trigger('client-e', deep);
      await waitFor('both', () => told('/hook').length === 3 && told('/hook/typed').length === 3);
      assert.ok(told('/hook/typed').some(([, , data]) => data === JSON.stringify(deep)));
    })));

  test(`${on} a cache that holds nothing is told`, () => withBackend(count, {}, async ({ nodes }, backend) => {
    await withClients([at(nodes, 2)], async (pusher) => {
      await subscribed(pusher, 'cache-x');
      await waitFor('the miss', () => backend.names('cache-x').includes('cache_miss'));
      assert.deepEqual(backend.of('cache-x', 'cache_miss'), [{ name: 'cache_miss', channel: 'cache-x' }]);
    });
  }));

  test(`${on} clients are told how many they are`, () => withBackend(count,
    { app: { subscription_count: true }, webhooks: () => [] }, async ({ nodes }) => {
      await withClients([0, 1, 2].map((i) => at(nodes, i)), async (...clients) => {
        const counts = [];
        for (const pusher of clients) {
          const channel = pusher.subscribe('x');
          counts.push(inbox(channel, 'pusher:subscription_count'));
          await waitFor('the number', () => counts.every((seen) => seen.at(-1)?.subscription_count === counts.length));
          assert.equal(channel.subscriptionCount, counts.length);
        }
        clients[2].disconnect();
        await waitFor('the smaller number', () => counts[0].at(-1).subscription_count === 2);
        assert.deepEqual(counts[0].map(({ subscription_count: n }) => n), [1, 2, 3, 2]);
        const room = inbox(clients[0].subscribe('other'), 'pusher:subscription_count');
        await waitFor('the first number', () => room.length > 0);
        assert.deepEqual(room, [{ subscription_count: 1 }]);
      });
    }));
}

test('the number of subscribers is neither kept by a cache nor told on presence channels', () => withBackend(1,
  { app: { subscription_count: true }, webhooks: () => [] }, ({ nodes: [node] }) => withUsers(async (enter) => {
    const view = await enter(node, 'u');
    const room = inbox(view.channel, 'pusher:subscription_count');
    await withClients([node, node], async (first, second) => {
      const seen = inbox(first.subscribe('cache-x'), 'pusher:subscription_count');
      await waitFor('the number', () => seen.length === 1);
      const misses = inbox(second.subscribe('cache-x'), 'pusher:cache_miss');
      await waitFor('the miss', () => misses.length === 1);
      await waitFor('the second number', () => seen.length === 2);
    });
    assert.deepEqual(room, []);
  })));

test('an app that has not asked for it is not told how many its clients are', () => withBackend(1, { webhooks: () => [] },
  async ({ nodes: [node] }) => withClients([node, node], async (first, second) => {
    const channel = await subscribed(first, 'x');
    const seen = inbox(channel, 'pusher:subscription_count');
    const events = inbox(channel, 'fence');
    await subscribed(second, 'x');
    await server(node).trigger('x', 'fence', {});
    await waitFor('the fence', () => events.length === 1);
    assert.deepEqual(seen, []);
  })));

test('when the node that tells an endpoint dies while that hangs, another one tells it', () => withBackend(3, {},
  async ({ nodes }, backend) => {
    backend.answer = () => null;
    await withClients([nodes[0]], async (pusher) => {
      // A channel whose duty is another node's than the subscriber's.
      let channel;
      let teller;
      for (let i = 0; teller === undefined || teller === 'n1'; ++i) {
        channel = `x-${i}`;
        const before = backend.requests.length;
        await subscribed(pusher, channel);
        const told = await waitFor('the request', () => backend.requests.slice(before)
          .find(({ body }) => JSON.parse(body).events.some((event) => event.channel === channel)), { ms: 30_000 });
        teller = told.headers['x-node'];
      }
      await nodes.find(({ name }) => name === teller).kill();
      backend.answer = () => 200;
      await waitFor('the event from another node', () => backend.of(channel, 'channel_occupied').length > 0, { ms: 30_000 });
      const from = backend.requests.at(-1).headers['x-node'];
      assert.notEqual(from, teller);
      assert.ok(isAuthentic(nodes[0], backend.requests.at(-1)));
    });
  }));

test('the users of a node that is killed are told of as gone, unless they come back in time', () => withBackend(3,
  { settings: { removed_hold: '3s' } }, ({ nodes }, backend) => withUsers(async (enter) => {
    await enter(nodes[0], 'stays');
    await enter(nodes[2], 'moves');
    await enter(nodes[2], 'goes');
    const members = () => backend.of(ROOM, 'member_added', 'member_removed').map(({ name, user_id: user }) => `${name} ${user}`);
    await waitFor('the joins', () => members().length === 3);
    await nodes[2].kill();
    await enter(nodes[1], 'moves');
    await waitFor('the departure', () => members().includes('member_removed goes'), { ms: 30_000 });
    const tellers = (name, user) => backend.requests.filter(({ body }) => JSON.parse(body).events
      .some((event) => event.name === name && event.user_id === user)).map(({ headers }) => headers['x-node']);
    // When the killed node has told, and the others have not heard of the backend's answer, the next one tells again.
    const [first, ...again] = tellers('member_added', 'moves');
    assert.ok(again.length <= (first === nodes[2].name ? 1 : 0), `told by ${first}, then by ${again}`);
    assert.deepEqual(tellers('member_removed', 'moves'), []);
    assert.deepEqual(members().filter((line) => line.endsWith('goes')), ['member_added goes', 'member_removed goes']);
  })));

/** An endpoint that closes its half of each connection with its answer, and goes on reading: `events` are all that it was sent. */
async function halfClosing() {
  const endpoint = { events: [] };
  endpoint.server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    let hasAnswered = false;
    socket.on('error', () => {}).on('end', () => socket.end()).on('data', (bytes) => {
      text += bytes;
      for (let end = text.indexOf('\r\n\r\n') + 4; end > 4; end = text.indexOf('\r\n\r\n') + 4) {
        const size = end + Number(/content-length: (\d+)/i.exec(text)[1]);
        if (text.length < size) return;
        endpoint.events.push(...JSON.parse(text.slice(end, size)).events);
        text = text.slice(size);
        if (!hasAnswered) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        hasAnswered = true;
      }
    });
  });
  await new Promise((resolve) => { endpoint.server.listen(0, '127.0.0.1', resolve); });
  endpoint.url = `http://127.0.0.1:${endpoint.server.address().port}/hook`;
  return endpoint;
}

test('an endpoint that closes its half of a connection with its answer is told once', async () => {
  const endpoint = await halfClosing();
  await withBackend(1, {
    app: { client_events_per_second: 0 }, webhooks: () => [{ url: endpoint.url, batch: false, event_types: ['client_event'] }],
  }, ({ nodes: [node] }) => withUsers(async (enter) => {
    const sender = await enter(node, 'me');
    for (let i = 0; i < 200; ++i) sender.channel.trigger('client-e', { i });
    const last = JSON.stringify({ i: 199 });
    await waitFor('the last event', () => endpoint.events.some(({ data }) => data === last));
    assert.deepEqual(endpoint.events.map(({ data }) => data), Array.from({ length: 200 }, (_, i) => JSON.stringify({ i })));
  }));
  endpoint.server.close();
});
