// Channels with ack: a publish is answered with 200 once so many nodes hold the message, and with 503 otherwise.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { APP, RawClient } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { signed } from '../support/js/flow.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { request } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';

const KILLS = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1' ? 20 : 3;
const RULES = `
[[apps]]
id = "${APP.appId}"
key = "${APP.key}"
secret = "${APP.secret}"
[[apps.history]]
channel_name_starts_with = "pay-"
channel_name_ends_with = "-all"
ack = 3
[[apps.history]]
channel_name_starts_with = "pay-"
ack = 2
`;

/** A mesh whose nodes have the rules. */
const withRules = (count, options, body) => withCluster(count, { ...options, start: false }, async (cluster) => {
  const config = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(config, RULES);
  cluster.nodes.forEach((node) => { node.args = ['--config', config]; });
  await cluster.start(options.topology);
  await body(cluster);
});

function post(node, what, content) {
  const at = `/apps/${APP.appId}/${what}`;
  const body = JSON.stringify(content);
  return request(node.ports.listen, signed(at, body), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}
const publish = (node, channels, data = 'x') => post(node, 'events', { name: 'e', channels: [].concat(channels), data });

/** A client at the node that is subscribed to the channel. */
async function subscriber(node, channel) {
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:subscribe', data: { channel } });
  await raw.next('pusher_internal:subscription_succeeded');
  raw.got = () => raw.frames.filter(({ event }) => event === 'e').map(({ data }) => data);
  return raw;
}

test('an answer says how many nodes hold the message, whether anybody is subscribed or not', () => withRules(3, {}, async ({ nodes }) => {
  for (const node of nodes) {
    const two = await publish(node, 'pay-1');
    assert.deepEqual([two.status, two.headers['tulle-copies'], two.body], [200, '2', '{}']);
    const three = await publish(node, ['free', 'pay-1', 'pay-1-all', 'cache-1']);
    assert.deepEqual([three.status, three.headers['tulle-copies']], [200, '3']);
    const plain = await publish(node, ['free', 'cache-1']);
    assert.deepEqual([plain.status, plain.headers['tulle-copies']], [200, undefined]);
  }
  const batch = await post(nodes[0], 'batch_events', { batch: [
    { name: 'e', channel: 'free', data: '1' }, { name: 'e', channel: 'pay-1-all', data: '2' }, { name: 'e', channel: 'pay-2', data: '3' },
  ] });
  assert.deepEqual([batch.status, batch.headers['tulle-copies']], [200, '2'], 'of the event with the fewest');
  assert.ok(await nodes[0].metric('tulle_mesh_publish_acknowledged_total') >= 4);
}));

test('a node that is alone refuses what two must hold, and delivers none of it', () => withRules(1, {}, async ({ nodes: [node] }) => {
  const client = await subscriber(node, 'pay-1');
  const refused = await publish(node, 'pay-1', 'refused');
  assert.deepEqual([refused.status, refused.headers['tulle-copies'], refused.headers['retry-after']], [503, '1/2', '1']);
  assert.match(JSON.parse(refused.body).error, /^few_copies: not published/);
  assert.equal((await publish(node, 'free', 'plain')).status, 200);
  const plain = await subscriber(node, 'free');
  assert.equal((await publish(node, 'free', 'last')).status, 200);
  await waitFor('what is not refused', () => plain.got().includes('last'));
  assert.deepEqual(client.got(), []);
  [client, plain].forEach((raw) => raw.drop());
}));

test('a frozen node gives no copy: 503 that tells of the delivery, then a refusal, and 200 when it is back', () => (
  withRules(2, { planned: true, topology: 'all' }, async (cluster) => {
    const [node, frozen] = cluster.nodes;
    const client = await subscriber(node, 'pay-1');
    await freeze(frozen.program.pid);
    try {
      const few = await publish(node, 'pay-1', 'held here');
      assert.deepEqual([few.status, few.headers['tulle-copies'], few.headers['retry-after']], [503, '1/2', undefined]);
      assert.match(JSON.parse(few.body).error, /^few_copies: delivered/);
      await waitFor('the delivery', () => client.got().includes('held here'));
      const dead = await waitFor('the verdict', async () => {
        const answer = await publish(node, 'pay-1', 'asked');
        return answer.headers['retry-after'] && answer;
      });
      assert.match(JSON.parse(dead.body).error, /^few_copies: not published/);
      assert.ok(await node.metric('tulle_mesh_publish_few_copies_total') >= 1);
    } finally {
      frozen.program.kill('SIGCONT');
    }
    await waitFor('copies again', async () => (await publish(node, 'pay-1', 'again')).status === 200);
    client.drop();
  })));

test(`${KILLS} kills of a node that is published to: what it has answered with 200 reaches the clients of the others`, () => (
  withRules(3, { planned: true, topology: 'all' }, async (cluster) => {
    for (let kill = 0; kill < KILLS; ++kill) {
      const victim = cluster.nodes[kill % 3];
      const others = cluster.nodes.filter((node) => node !== victim);
      const clients = await Promise.all(others.map((node) => subscriber(node, `pay-${kill}`)));
      const answered = [];
      let number = 0;
      const publisher = async () => {
        for (;;) {
          const data = `${kill}:${++number}`;
          const { status } = await publish(victim, `pay-${kill}`, data).catch(() => ({ status: 0 }));
          if (status !== 200) return;
          answered.push(data);
        }
      };
      const publishers = Array.from({ length: 8 }, publisher);
      await waitFor('some answers', () => answered.length > 100 + 37 * kill);
      await victim.kill();
      await Promise.all(publishers);
      for (const client of clients) {
        await waitFor(`${answered.length} messages`, () => {
          const got = new Set(client.got());
          return answered.every((data) => got.has(data));
        });
        assert.equal(new Set(client.got()).size, client.got().length, 'nothing twice');
        client.drop();
      }
      await victim.restart(cluster.peersOf(kill % 3, 'all'));
      await cluster.whole();
    }
  })));
