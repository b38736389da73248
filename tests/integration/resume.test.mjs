// Channels with history: a client that comes back, at whatever node, gets what it has missed, or is told that this
// cannot be said.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { APP, RawClient } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { signed } from '../support/js/flow.mjs';
import { request } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';

const RULES = `
[[apps]]
id = "${APP.appId}"
key = "${APP.key}"
secret = "${APP.secret}"
client_events = true
[[apps.history]]
channel_name_starts_with = "chat-"
size = 5
[[apps.history]]
channel_name_ends_with = "log"
size = 1000
[[apps.history]]
channel_name_starts_with = "brief-"
size = 100
ttl = "1s"
`;

const withRules = (count, options, body) => withCluster(count, { ...options, start: false }, async (cluster) => {
  const config = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(config, RULES);
  cluster.nodes.forEach((node) => { node.args = ['--config', config]; });
  await cluster.start(options.topology);
  // A position is older than the mesh's knowledge in the first second of the mesh.
  for (const node of cluster.nodes) {
    await waitFor('all members to agree', async () => await node.metric('tulle_mesh_history_members_agree') === 1);
  }
  const begun = Date.now();
  await waitFor('the second to pass', () => Date.now() > begun + 1500);
  await body(cluster);
});

async function publish(node, channel, data, more = {}) {
  const at = `/apps/${APP.appId}/events`;
  const body = JSON.stringify({ name: 'e', channels: [].concat(channel), data: `${data}`, ...more });
  const answer = await request(node.ports.listen, signed(at, body), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(answer.status, 200, answer.body);
}

/** A client that remembers its position as tulle-resume.js does. */
class Roamer {
  seen = {};

  events = [];

  constructor(channel) { this.channel = channel; }

  get since() { return Object.values(this.seen).join('~'); }

  note(id) {
    const origin = id.slice(16);
    if (!(this.seen[origin] >= id)) this.seen[origin] = id;
  }

  /** Subscribes at the node; `tulle` is what is asked of the history. */
  async at(node, tulle = {}) {
    this.client = await new RawClient(node).open();
    this.client.socket.on('message', (bytes) => this.take(JSON.parse(bytes.toString())));
    delete this.told;
    this.client.send({ event: 'pusher:subscribe', data: { channel: this.channel, tulle } });
    await waitFor('the subscription', () => this.told);
    return this;
  }

  take(frame) {
    if (frame.event === 'pusher_internal:subscription_succeeded') {
      this.told = JSON.parse(frame.data).tulle;
      if (this.told.at) {
        this.seen = {};
        this.told.at.split('~').forEach((id) => this.note(id));
      }
    } else if (frame.id) {
      this.note(frame.id);
      this.events.push(frame.data);
    }
  }

  async got(count) {
    await waitFor(`${count} events`, () => this.events.length >= count);
    return this.events;
  }

  async leave() {
    this.client.drop();
    await this.client.end();
    return this.since;
  }

  /** Comes back with its position. */
  back(node, more = {}) { return this.at(node, { since: this.since, ...more }); }
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => `${from + i}`);
const answer = ({ told: { recovered, reason, replayed } }) => [recovered, reason, replayed];

test('a client gets what it has missed at every node, once and in order', () => withRules(3, {}, async ({ nodes }) => {
  const roamer = await new Roamer('a-log').at(nodes[0]);
  assert.deepEqual(answer(roamer), [undefined, undefined, 0]);
  let sent = 0;
  const more = async (count) => {
    for (const end = sent + count; sent < end; sent += 1) await publish(nodes[sent % 3], 'a-log', sent);
  };
  await more(7);
  await roamer.got(7);
  for (const node of [nodes[1], nodes[0], nodes[2], nodes[2], nodes[1]]) {
    await roamer.leave();
    await more(6);
    await roamer.back(node);
    assert.deepEqual(answer(roamer), [true, undefined, 6]);
    await more(3);
    await roamer.got(sent);
  }
  // Nothing was missed.
  await roamer.leave();
  await roamer.back(nodes[0]);
  assert.deepEqual(answer(roamer), [true, undefined, 0]);
  // One order for all publishers is not promised.
  for (const by of [0, 1, 2]) {
    assert.deepEqual(roamer.events.filter((event) => event % 3 === by), numbers(0, sent).filter((event) => event % 3 === by));
  }
}));

test('what a node took along is not lost when it dies, and many clients of the dead node go on at the others', () => withRules(3, {}, async ({ nodes }) => {
  const roamers = await Promise.all(Array.from({ length: 20 }, (_, i) => new Roamer(`${i % 4}-log`).at(nodes[2])));
  const channels = numbers(0, 4).map((i) => `${i}-log`);
  for (let i = 0; i < 5; i += 1) await publish(nodes[i % 3], channels, i);
  await Promise.all(roamers.map((roamer) => roamer.got(5)));
  await nodes[2].kill();
  for (let i = 5; i < 9; i += 1) await publish(nodes[i % 2], channels, i);
  await Promise.all(roamers.map(async (roamer, i) => {
    await roamer.back(nodes[i % 2]);
    assert.deepEqual(answer(roamer), [true, undefined, 4]);
  }));
  for (let i = 9; i < 12; i += 1) await publish(nodes[i % 2], channels, i);
  await Promise.all(roamers.map(async (roamer) => assert.deepEqual(new Set(await roamer.got(12)), new Set(numbers(0, 12)))));
  roamers.forEach(({ events }) => assert.equal(events.length, 12));
  assert.equal(await nodes[0].metric('tulle_resumes_recovered_total') + await nodes[1].metric('tulle_resumes_recovered_total'), 20);
  assert.equal(await nodes[0].metric('tulle_events_replayed_total') + await nodes[1].metric('tulle_events_replayed_total'), 80);
}));

test('events of a running stream come neither twice nor not at all, however often a client moves', () => withRules(3, {}, async ({ nodes }) => {
  const roamers = await Promise.all(nodes.map((node) => new Roamer('stream-log').at(node)));
  const flow = { sent: [0, 0, 0], goes: true };
  const published = Promise.all(nodes.map(async (node, by) => {
    for (; flow.goes; flow.sent[by] += 1) await publish(node, 'stream-log', `${by}:${flow.sent[by]}`);
  }));
  for (let move = 0; move < 12; move += 1) {
    await Promise.all(roamers.map(async (roamer, i) => {
      await roamer.leave();
      await roamer.back(nodes[(i + move) % 3]);
      assert.equal(roamer.told.recovered, true, JSON.stringify(roamer.told));
    }));
  }
  flow.goes = false;
  await published;
  const all = flow.sent.reduce((sum, count) => sum + count);
  for (const roamer of roamers) {
    await roamer.got(all);
    for (const by of [0, 1, 2]) {
      assert.deepEqual(roamer.events.filter((event) => event.startsWith(`${by}:`)), numbers(0, flow.sent[by]).map((i) => `${by}:${i}`));
    }
  }
}));

test('a client is told why what it has missed cannot be sent', () => withRules(2, {}, async ({ nodes }) => {
  const many = await new Roamer('many-log').at(nodes[0]);
  const few = await new Roamer('chat-1').at(nodes[0]);
  const brief = await new Roamer('brief-1').at(nodes[0]);
  await Promise.all([many, few, brief].map((roamer) => roamer.leave()));
  await Promise.all(numbers(0, 501).map((i) => publish(nodes[1], 'many-log', i)));
  for (let i = 0; i < 6; i += 1) await publish(nodes[1], 'chat-1', i);
  await publish(nodes[1], 'brief-1', 'x');
  assert.deepEqual(answer(await many.back(nodes[1])), [false, 'window', 0]);
  assert.deepEqual(answer(await few.back(nodes[1])), [false, 'evicted', 0]);
  await waitFor('the event to end', async () => answer(await (await new Roamer('brief-1')).at(nodes[1], { since: brief.since }))[1] === 'evicted');
  // The position that came along is good from there on.
  await few.leave();
  await publish(nodes[0], 'chat-1', 'y');
  assert.deepEqual(answer(await few.back(nodes[0])), [true, undefined, 1]);
  assert.deepEqual(few.events, ['y']);
  assert.deepEqual(answer(await new Roamer('a-log').at(nodes[0], { since: 'nonsense' })), [false, 'position', 0]);
  assert.deepEqual(answer(await new Roamer('a-log').at(nodes[0], { since: `${'0'.repeat(15)}1${'0'.repeat(16)}` })), [false, 'lost', 0]);
  assert.deepEqual(answer(await new Roamer('plain').at(nodes[0], { since: few.since })), [false, 'no_history', 0]);
  assert.deepEqual(answer(await new Roamer('plain').at(nodes[0])), [undefined, 'no_history', 0]);
  const client = await new RawClient(nodes[0]).open();
  for (const tulle of [1, 'x', [], { rewind: 0 }, { rewind: 501 }, { rewind: '30' }, { since: 1 }, { since: few.since, rewind: 1 }, { socket: 1 }]) {
    client.send({ event: 'pusher:subscribe', data: { channel: 'a-log', tulle } });
    await client.next('pusher:error');
  }
}));

test('a newcomer gets the last events, and its own events are left out for the client that has sent them', () => withRules(2, {}, async ({ nodes }) => {
  for (let i = 0; i < 5; i += 1) await publish(nodes[0], 'new-log', i);
  for (const node of nodes) {
    const newcomer = await new Roamer('new-log').at(node, { rewind: 3 });
    assert.deepEqual([answer(newcomer), await newcomer.got(3)], [[undefined, undefined, 3], ['2', '3', '4']]);
    assert.deepEqual(await (await new Roamer('new-log').at(node, { rewind: '1h' })).got(5), numbers(0, 5));
  }
  const sender = await new Roamer('new-log').at(nodes[0]);
  const socket = sender.client.socketId;
  await sender.leave();
  await publish(nodes[0], 'new-log', 'mine', { socket_id: socket });
  await publish(nodes[0], 'new-log', 'yours', { socket_id: '1.2' });
  await sender.back(nodes[1], { socket });
  assert.deepEqual([answer(sender), await sender.got(1)], [[true, undefined, 1], ['yours']]);
  // A client that does not ask sees nothing of all this but the ids.
  const plain = await new RawClient(nodes[0]).open();
  plain.send({ event: 'pusher:subscribe', data: { channel: 'new-log' } });
  assert.equal((await plain.next('pusher_internal:subscription_succeeded')).data, '{}');
}));

test('a position of a mesh that is gone recovers nothing', () => withRules(2, {}, async ({ nodes }) => {
  const roamer = await new Roamer('a-log').at(nodes[0]);
  await publish(nodes[0], 'a-log', 1);
  await roamer.got(1);
  await Promise.all(nodes.map((node) => node.kill()));
  for (const [i, node] of nodes.entries()) {
    await node.restart(i === 0 ? [] : [nodes[0].ports.mesh]);
    await node.ready();
  }
  assert.deepEqual(answer(await roamer.back(nodes[1])), [false, 'lost', 0]);
}));
