// Subscriptions without end on one connection: a stated answer, and what they took is given back. A file of its own, as a node reads
// 1,000 changes a second once the first 10,000 have come: most of the time is waiting, beside other files. With TULLE_TEST_FULL=1 four times
// as many.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RawClient } from '../support/js/clients.mjs';
import { Victim } from '../support/js/victim.mjs';
import { waitFor } from '../support/js/wait.mjs';

const MANY = process.env.TULLE_TEST_FULL === '1' ? 100_000 : 25_000;
const LIMIT = 10_000;

/** Does `harm` on a connection to a node of its own. */
async function suffers(harm) {
  const victim = await new Victim().start();
  try {
    const raw = await new RawClient(victim.node).open();
    await harm(victim, raw);
    await victim.undisturbed();
  } finally {
    await victim.stop();
  }
}

describe('on one connection', { concurrency: true }, () => {
  test(`${MANY} subscriptions end at the limit; when they end, so does what they took`, () => suffers(async ({ node }, raw) => {
    const before = await node.metric('tulle_subscriptions');
    for (let i = 0; i < MANY; ++i) {
      raw.socket.send(`{"event":"pusher:subscribe","data":{"channel":"many-${i}"}}`);
      if (i % 1000 === 999) await waitFor('the answers', () => raw.frames.length > i);
    }
    const refused = raw.frames.filter(({ event }) => event === 'pusher:subscription_error');
    assert.equal(refused.length, MANY - LIMIT);
    assert.deepEqual([refused[0].data.type, refused[0].data.status], ['LimitReached', 4100]);
    assert.equal(await node.metric('tulle_subscriptions'), before + LIMIT);
    raw.drop();
    await waitFor('them to be gone', async () => (await node.metric('tulle_subscriptions')) === before);
  }));

  test('20,000 subscriptions, each ended at once: nothing of them is left', () => suffers(async (victim, raw) => {
    const before = await victim.node.metric('tulle_subscriptions');
    const channels = await victim.node.metric('tulle_shard_channels');
    const memory = await victim.residentMegabytes();
    for (let i = 0; i < 20_000; ++i) {
      raw.socket.send(`{"event":"pusher:subscribe","data":{"channel":"churn-${i}"}}`);
      raw.socket.send(`{"event":"pusher:unsubscribe","data":{"channel":"churn-${i}"}}`);
      if (i % 1_000 === 999) {
        raw.send({ event: 'pusher:ping' });
        await raw.next('pusher:pong');
      }
    }
    await waitFor('them to be gone', async () => (await victim.node.metric('tulle_subscriptions')) === before &&
      (await victim.node.metric('tulle_shard_channels')) === channels);
    assert.ok(await victim.residentMegabytes() < memory + 32);
    raw.drop();
  }));
});
