// Events published with the official server kit at one node, received by pusher-js at another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

const COUNT = 1_000;

/** Triggers the events one after the other, each once the one before has been answered with 200. */
async function triggerAll(node, channel, count, onAnswer = () => {}) {
  const publisher = server(node);
  for (let n = 1; n <= count; ++n) {
    const { status } = await publisher.trigger(channel, 'tick', { n });
    assert.equal(status, 200);
    await onAnswer(n);
  }
}

async function arrived(received, count) {
  await waitFor(`${count} events`, () => received.length >= count);
  assert.deepEqual(received.map(({ n }) => n), Array.from({ length: count }, (_, i) => i + 1));
}

test('an event triggered at n3 reaches a subscriber at n1', () => withCluster(3, {}, ({ nodes: [n1, , n3] }) =>
  withClients([n1], async (pusher) => {
    const received = inbox(await subscribed(pusher, 'news'), 'greeting');
    await server(n3).trigger('news', 'greeting', { text: 'hello, Ω 🌍 "quoted" \\' });
    await waitFor('the event', () => received.length > 0);
    assert.deepEqual(received, [{ text: 'hello, Ω 🌍 "quoted" \\' }]);
  })));

test(`${COUNT} events triggered one after the other at n3 arrive at n1 and n2: all, once, in order`,
  () => withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withClients([n1, n2], async (first, second) => {
    const atFirst = inbox(await subscribed(first, 'news'), 'tick');
    const atSecond = inbox(await subscribed(second, 'news'), 'tick');
    await triggerAll(n3, 'news', COUNT);
    await arrived(atFirst, COUNT);
    await arrived(atSecond, COUNT);
  })));

test(`${COUNT} events from n3 to n1 while n2 is killed half-way: all, once, in order`,
  () => withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withClients([n1], async (pusher) => {
    const received = inbox(await subscribed(pusher, 'news'), 'tick');
    await triggerAll(n3, 'news', COUNT, (n) => (n === COUNT / 2 ? n2.kill() : undefined));
    await arrived(received, COUNT);
    await waitFor('n1 to find n2 dead', async () => (await n1.stateOf('n2')) === 'dead');
  })));

test('n2, killed and started again at once on the same ports, rejoins and serves, while events flow from n3 to n1',
  () => withCluster(3, { planned: true, topology: 'all' }, (cluster) => {
    const [n1, n2, n3] = cluster.nodes;
    return withClients([n1], async (pusher) => {
      const received = inbox(await subscribed(pusher, 'news'), 'tick');
      await triggerAll(n3, 'news', COUNT, async (n) => {
        if (n !== COUNT / 2) return;
        await n2.kill();
        await n2.restart(cluster.peersOf(1, 'all'));
      });
      await cluster.whole();
      await arrived(received, COUNT);
      await withClients([n2], async (late) => {
        const atSecond = inbox(await subscribed(late, 'news'), 'tick');
        await server(n1).trigger('news', 'tick', { n: COUNT + 1 });
        await waitFor('an event at the restarted node', () => atSecond.length > 0);
        assert.deepEqual(atSecond, [{ n: COUNT + 1 }]);
      });
      await arrived(received, COUNT + 1);
    });
  }));

test('what a joiner accepts as soon as it is ready reaches the subscribers that were there before it', async () => {
  for (let round = 1; round <= 5; ++round) {
    await withCluster(2, { start: false }, async (cluster) => {
      const [n1, n2] = cluster.nodes;
      n1.launch();
      await n1.ready();
      await withClients([n1], async (pusher) => {
        const received = inbox(await subscribed(pusher, 'news'), 'tick');
        n2.launch([n1.ports.mesh]);
        await n2.ready();
        await server(n2).trigger('news', 'tick', { round });
        await waitFor('the event', () => received.length > 0, { ms: 5_000 });
        assert.deepEqual(received, [{ round }]);
      });
    });
  }
});

test('who subscribes at a joiner as soon as it is ready gets what its peer accepts from then on', async () => {
  for (let round = 1; round <= 5; ++round) {
    await withCluster(2, { start: false }, async (cluster) => {
      const [n1, n2] = cluster.nodes;
      n1.launch();
      await n1.ready();
      await server(n1).trigger('news', 'tick', { before: round });
      n2.launch([n1.ports.mesh]);
      await n2.ready();
      await withClients([n2], async (pusher) => {
        const received = inbox(await subscribed(pusher, 'news'), 'tick');
        await server(n1).trigger('news', 'tick', { round });
        await waitFor('the event', () => received.length > 0, { ms: 5_000 });
        assert.deepEqual(received, [{ round }]);
      });
    });
  }
});

test('many publishers at once: every subscriber gets each publisher\'s events in its order', () =>
  withCluster(3, {}, ({ nodes }) => withClients(nodes, async (...clients) => {
    const inboxes = await Promise.all(clients.map(async (pusher) => inbox(await subscribed(pusher, 'crowd'), 'tick')));
    const each = 100;
    await Promise.all(nodes.map(async (node, from) => {
      const publisher = server(node);
      for (let n = 1; n <= each; ++n) await publisher.trigger('crowd', 'tick', { from, n });
    }));
    for (const received of inboxes) {
      await waitFor('all events', () => received.length >= each * nodes.length);
      nodes.forEach((_, from) => {
        const own = received.filter((event) => event.from === from).map(({ n }) => n);
        assert.deepEqual(own, Array.from({ length: each }, (__, i) => i + 1));
      });
    }
  })));
