// Subscriptions as a weapon: names that collide, and subscriptions that come and go as fast as a client can write. The mesh
// goes on confirming everybody else's, and no node works or holds more than for any other names.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { APP, server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { collidingNames } from '../support/js/colliding.mjs';
import { FrameSocket, frame } from '../support/js/frames.mjs';
import { waitFor } from '../support/js/wait.mjs';

const NAMES = 10_000; // all that one connection may hold
const ATTACKERS = 3;
const SUCCEEDED = 'pusher_internal:subscription_succeeded';

const said = (event, channel) => frame({ payload: JSON.stringify({ event, data: { channel } }) });
const subscribe = (channel) => said('pusher:subscribe', channel);
const unsubscribe = (channel) => said('pusher:unsubscribe', channel);

/** A connection that counts what it is told instead of keeping it. */
class Subscriber extends FrameSocket {
  confirmed = 0;
  others = [];

  take(part) {
    super.take(part);
    for (const text of this.texts.splice(0)) {
      if (text.event === SUCCEEDED) ++this.confirmed;
      else if (text.event !== 'pusher:connection_established') this.others.push(text);
    }
  }

  /** Writes it all, as fast as the node reads it. */
  async say(frames) {
    const bytes = Buffer.concat(frames);
    if (!this.socket.write(bytes)) await new Promise((resolve) => { this.socket.once('drain', resolve).once('close', resolve); });
  }
}

const open = (node) => new Subscriber(node).open();

async function cpuSeconds(node) {
  const text = await fs.readFile(`/proc/${node.program.pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function residentMegabytes(node) {
  const text = await fs.readFile(`/proc/${node.program.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)[1]) / 1024;
}

const all = (nodes, measure) => Promise.all(nodes.map(measure));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

describe('two nodes', () => {
  let cluster;
  let nodes;

  before(async () => {
    cluster = await Cluster.create(2);
    ({ nodes } = cluster);
    await cluster.start();
  });
  after(() => cluster?.stop());

  /** Three connections subscribe to all the names and leave; how much CPU that costs both nodes. */
  async function costOf(names) {
    const begun = sum(await all(nodes, cpuSeconds));
    const attackers = await Promise.all(Array.from({ length: ATTACKERS }, () => open(nodes[0])));
    await Promise.all(attackers.map((one, i) => one.say(names.slice(i * NAMES, (i + 1) * NAMES).map(subscribe))));
    await waitFor('every subscription to be confirmed', () => sum(attackers.map((one) => one.confirmed)) === names.length, { ms: 60_000 });
    for (const one of attackers) one.drop();
    await waitFor('the channels to be gone everywhere', async () => {
      const left = await all(nodes, async (node) => (await node.metric('tulle_mesh_interest_channels')) + (await node.metric('tulle_mesh_remote_channels')));
      return sum(left) === 0;
    }, { ms: 60_000 });
    return sum(await all(nodes, cpuSeconds)) - begun;
  }

  test('names that collide under the hash of the library cost no more than others', async () => {
    const colliding = collidingNames(`${APP.appId}/`, ATTACKERS * NAMES);
    const letters = colliding[0].length;
    const others = colliding.map((_, i) => `other-${i}`.padEnd(letters, '-'));
    await costOf(others); // both nodes have grown their tables
    const usual = await costOf(others);
    const attacked = await costOf(colliding);
    assert.ok(attacked < 3 * usual + 0.5, `${attacked.toFixed(2)} s of CPU instead of ${usual.toFixed(2)} s`);
  });

  test('whoever changes subscriptions too fast is read more slowly, and nothing is refused', async () => {
    const changes = 12_000; // 10,000 at once, the others at 1,000 a second
    const paused = await nodes[0].metric('tulle_subscriptions_paused_total');
    const one = await open(nodes[0]);
    const begun = performance.now();
    for (let i = 0; i < changes; i += 2_000) await one.say(Array.from({ length: 1_000 }, () => [subscribe('a'), unsubscribe('a')]).flat());
    await one.say([frame({ payload: JSON.stringify({ event: 'pusher:ping' }) })]);
    await waitFor('the answer to what came last', () => one.others.some(({ event }) => event === 'pusher:pong'), { ms: 30_000 });
    assert.ok(performance.now() - begun > 1_000, 'nobody was slowed down');
    assert.equal(one.others.length, 1, JSON.stringify(one.others[0]));
    assert.ok((await nodes[0].metric('tulle_subscriptions_paused_total')) > paused);
    one.drop();
  });
});

describe('three nodes and a churn of subscriptions', () => {
  const HOLDERS = 4;
  const CHURNERS = 12;
  const CHURN_MS = 8_000;
  const PATIENCE_MS = 5_000; // this machine may be busy; before the log was bounded no subscription was confirmed at all
  let cluster;
  let nodes;

  before(async () => {
    cluster = await Cluster.create(3);
    ({ nodes } = cluster);
    await cluster.start();
  });
  after(() => cluster?.stop());

  /** Another channel each time, gone as soon as it was asked for, until it is `over`. */
  async function churn(over, number) {
    const one = await open(nodes[0]);
    let isOver = false;
    over.then(() => { isOver = true; });
    let changes = 0;
    while (!isOver) {
      const frames = [];
      for (let i = 0; i < 200; ++i, changes += 2) {
        const channel = `churn-${number}-${changes}`;
        frames.push(subscribe(channel), unsubscribe(channel));
      }
      await Promise.race([one.say(frames), over]);
    }
    one.drop();
    return changes;
  }

  /** Milliseconds until each of the subscriptions made meanwhile is confirmed: on every node in turn. */
  async function probe(until) {
    const took = [];
    for (let i = 0; performance.now() < until; ++i) {
      const one = await open(nodes[i % nodes.length]);
      const begun = performance.now();
      await one.say([subscribe(`probe-${i}`)]);
      await waitFor(`probe ${i} to be confirmed`, () => one.confirmed === 1, { ms: 2 * PATIENCE_MS });
      took.push(performance.now() - begun);
      one.drop();
    }
    return took;
  }

  test('new subscriptions are confirmed, memory stays flat, messages arrive', async () => {
    const holders = await Promise.all(Array.from({ length: HOLDERS }, () => open(nodes[0])));
    await Promise.all(holders.map((one, h) => one.say(Array.from({ length: NAMES }, (_, i) => subscribe(`held-${h}-${i}`)))));
    await waitFor('the held channels to be confirmed', () => sum(holders.map((one) => one.confirmed)) === HOLDERS * NAMES, { ms: 60_000 });

    let end;
    const over = new Promise((resolve) => { end = resolve; });
    const churners = Array.from({ length: CHURNERS }, (_, i) => churn(over, i));
    await waitFor('the first burst to be over', async () => (await nodes[0].metric('tulle_subscriptions_paused_total')) >= CHURNERS, { ms: 60_000 });
    const before = await all(nodes, residentMegabytes);
    const took = await probe(performance.now() + CHURN_MS);
    end();
    const changes = sum(await Promise.all(churners));
    const grown = (await all(nodes, residentMegabytes)).map((now, i) => now - before[i]);

    assert.ok(changes > CHURNERS * 10_000, `${changes} changes are no churn`);
    assert.ok(took.length >= 3, `${took.length} subscriptions were looked at`);
    assert.ok(Math.max(...took) < PATIENCE_MS, `a subscription was confirmed after ${Math.max(...took).toFixed(0)} ms`);
    for (const [i, megabytes] of grown.entries()) assert.ok(megabytes < 48, `${nodes[i].name} has grown by ${megabytes.toFixed(0)} MiB`);

    const late = await open(nodes[1]);
    await late.say([subscribe('held-0-0')]);
    await waitFor('the late subscription', () => late.confirmed === 1, { ms: PATIENCE_MS });
    await server(nodes[2]).trigger('held-0-0', 'tick', { n: 1 });
    for (const one of [late, holders[0]]) {
      await waitFor('the message', () => one.others.some(({ event }) => event === 'tick'), { ms: PATIENCE_MS });
    }
    await waitFor('all that has changed to be told', async () => sum(await all(nodes, (node) => node.metric('tulle_mesh_interest_pending'))) === 0);
    for (const node of nodes) {
      assert.equal((await node.status()).members.filter(({ state }) => state !== 'alive').length, 0, 'a healthy node was given up');
    }
    for (const one of [...holders, late]) one.drop();
  });
});
