// Subscriptions without end on one connection: a stated answer, and what they took is given back. A file of its own, as a node reads
// 1,000 a second once the first 10,000 have come: most of the time is waiting, beside other files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient, client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

test('100,000 subscriptions on one connection end at the limit; when they end, so does what they took', async () => {
  await withCluster(1, {}, async ({ nodes: [node] }) => {
    const bystander = client(node);
    const received = inbox(await subscribed(bystander, 'bystander'), 'tick');
    const raw = await new RawClient(node).open();
    const before = await node.metric('tulle_subscriptions');
    for (let i = 0; i < 100_000; ++i) {
      raw.socket.send(`{"event":"pusher:subscribe","data":{"channel":"many-${i}"}}`);
      if (i % 1000 === 999) await waitFor('the answers', () => raw.frames.length > i);
    }
    const refused = raw.frames.filter(({ event }) => event === 'pusher:subscription_error');
    assert.equal(refused.length, 90_000);
    assert.deepEqual([refused[0].data.type, refused[0].data.status], ['LimitReached', 4100]);
    assert.equal(await node.metric('tulle_subscriptions'), before + 10_000);
    raw.drop();
    await waitFor('them to be gone', async () => (await node.metric('tulle_subscriptions')) === before);
    const begun = performance.now();
    await server(node).trigger('bystander', 'tick', { n: 1 });
    await waitFor('the event for the bystander', () => received.length === 1);
    assert.ok(performance.now() - begun < 3_000);
    bystander.disconnect();
  });
});
