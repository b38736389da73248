// Channels with history: every node answers with what all nodes hold, in pages, also after deaths.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { APP, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { signed } from '../support/js/flow.mjs';
import { request } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';

const RULES = `
[[apps]]
id = "${APP.appId}"
key = "${APP.key}"
secret = "${APP.secret}"
[[apps.history]]
channel_name_starts_with = "chat-"
size = 5
ack = 2
[[apps.history]]
channel_name_starts_with = "log-"
size = 1000
[[apps.history]]
channel_name_starts_with = "brief-"
size = 100
ttl = "1s"
[[apps.history]]
channel_name_starts_with = "pay-"
ack = 2
`;

const withRules = (count, options, body) => withCluster(count, { ...options, start: false }, async (cluster) => {
  const config = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(config, RULES);
  cluster.nodes.forEach((node) => { node.args = ['--config', config]; });
  await cluster.start(options.topology);
  await body(cluster);
});

async function publish(node, channel, data, more = {}) {
  const at = `/apps/${APP.appId}/events`;
  const body = JSON.stringify({ name: 'e', channels: [].concat(channel), data, ...more });
  const answer = await request(node.ports.listen, signed(at, body), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(answer.status, 200, answer.body);
}
/** By the server library, as a backend reads. */
const read = async (node, channel, params = {}) => {
  try {
    const answer = await server(node).get({ path: `/channels/${channel}/history`, params });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  } catch (error) {
    if (error.status === undefined) throw error;
    return { status: error.status, body: error.body };
  }
};
async function history(node, channel, query = {}) {
  const answer = await read(node, channel, query);
  assert.equal(answer.status, 200, answer.body);
  return { ...JSON.parse(answer.body), headers: answer.headers };
}
const data = ({ items }) => items.map((item) => item.data);
/** Until all nodes are told of all events; the moment from which on all are. */
async function covered(nodes) {
  for (const node of nodes) {
    await waitFor('all members to agree', async () => await node.metric('tulle_mesh_history_members_agree') === 1);
  }
  // The clocks of the nodes are read when the nodes start, and may be some milliseconds off.
  const since = Date.now() + 10;
  await waitFor('the moment to pass', () => Date.now() > since + 10);
  return since;
}

test('every node gives what all nodes have accepted, in one order and in pages', () => withRules(4, {}, async ({ nodes }) => {
  const since = await covered(nodes);
  for (let i = 0; i < 12; i += 1) {
    await publish(nodes[i % 4], 'log-1', `${i}`);
  }
  const oldest = [...Array(12).keys()].map(String);
  for (const node of nodes) {
    const all = await history(node, 'log-1', { start_time_ms: since });
    assert.deepEqual(data(all), oldest.toReversed());
    assert.deepEqual([all.has_more, all.next_cursor, all.complete], [false, null, true]);
    assert.equal((await history(node, 'log-1')).complete, false, 'nobody knows what was before the mesh began');
    const pages = [];
    let cursor;
    do {
      const page = await history(node, 'log-1', { limit: 5, direction: 'oldest_first', ...(cursor && { cursor }) });
      pages.push(data(page));
      cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(pages, [oldest.slice(0, 5), oldest.slice(5, 10), oldest.slice(10)]);
  }
  const [first, , third] = (await history(nodes[0], 'log-1', { direction: 'oldest_first' })).items;
  assert.deepEqual(Object.keys(first), ['id', 'time_ms', 'event', 'data']);
  assert.equal(new Set((await history(nodes[1], 'log-1')).items.map(({ id }) => id)).size, 12);
  const between = await history(nodes[2], 'log-1', { start_time_ms: first.time_ms, end_time_ms: third.time_ms });
  assert.ok(data(between).includes('0') && data(between).includes('2'));
  assert.deepEqual(data(await history(nodes[3], 'log-1', { start_time_ms: Date.now() + 60_000 })), []);
}));

test('an answer bears the socket that did not get the event, and only what the rule lets a channel hold', () => withRules(2, {}, async ({ nodes }) => {
  for (let i = 0; i < 7; i += 1) {
    await publish(nodes[0], ['chat-1', 'free', 'log-2'], `${i}`, { socket_id: '123.456' });
  }
  const chat = await history(nodes[1], 'chat-1');
  assert.deepEqual(data(chat), ['6', '5', '4', '3', '2']);
  assert.equal(chat.items[0].socket_id, '123.456');
  assert.equal(chat.complete, false, 'two events were evicted');
  assert.ok(chat.since_ms > 0);
  assert.equal((await history(nodes[1], 'chat-1', { start_time_ms: chat.since_ms })).complete, true);
  assert.equal(data(await history(nodes[1], 'log-2')).length, 7);
  assert.deepEqual(data(await history(nodes[0], 'log-unheard')), []);
}));

test('events end with their time', () => withRules(2, {}, async ({ nodes }) => {
  await covered(nodes);
  await publish(nodes[0], 'brief-1', 'x');
  assert.deepEqual(data(await history(nodes[1], 'brief-1')), ['x']);
  await waitFor('the event ends', async () => data(await history(nodes[1], 'brief-1')).length === 0);
  assert.equal((await history(nodes[1], 'brief-1')).complete, true, 'nothing was lost that should be held');
}));

test('after deaths the survivors give all, and know of whom they can say so', () => withRules(5, {}, async ({ nodes }) => {
  const channels = [...Array(10).keys()].map((i) => `chat-${i}`);
  const since = await covered(nodes);
  for (const channel of channels) {
    for (let i = 0; i < 3; i += 1) {
      await publish(nodes[i], channel, `${i}`);
    }
  }
  // With ack 2 each event is held by two nodes at least; a single death loses none.
  await nodes[1].kill();
  const left = [nodes[0], nodes[2], nodes[3], nodes[4]];
  for (const node of left) {
    await waitFor('the dead node to be noticed', async () => await node.stateOf('n2') === 'dead');
  }
  for (const channel of channels) {
    for (const node of left) {
      const all = await history(node, channel, { start_time_ms: since });
      assert.deepEqual(data(all).sort(), ['0', '1', '2']);
      assert.equal(all.complete, true, channel);
    }
  }
  await publish(nodes[3], 'chat-0', 'after');
  assert.deepEqual(data(await history(nodes[4], 'chat-0')).sort(), ['0', '1', '2', 'after']);
}));

test('a mesh that begins anew says that it knows nothing from before', () => withRules(1, {}, async (cluster) => {
  const [node] = cluster.nodes;
  await publish(node, 'log-1', 'x');
  const before = Date.now();
  await node.kill();
  await node.restart([]);
  await node.ready();
  const all = await history(node, 'log-1');
  assert.deepEqual(data(all), []);
  assert.equal(all.complete, false);
  assert.ok(all.since_ms >= before);
}));

test('wrong questions are answered with what is wrong', () => withRules(1, {}, async ({ nodes: [node] }) => {
  for (const [query, word] of [
    [{ limit: 0 }, 'limit'], [{ limit: 1001 }, 'limit'], [{ limit: 'x' }, 'limit'], [{ direction: 'up' }, 'direction'],
    [{ cursor: 'x' }, 'cursor'], [{ cursor: '0'.repeat(32) }, 'cursor'], [{ start_time_ms: -1 }, 'start_time_ms'],
    [{ end_time_ms: '9'.repeat(20) }, 'end_time_ms'], [{ start_time_ms: 2, end_time_ms: 1 }, 'later'], [{ start_serial: 1 }, 'serial'],
  ]) {
    const answer = await read(node, 'log-1', query);
    assert.deepEqual([answer.status, answer.body.includes(word)], [400, true], `${JSON.stringify(query)}: ${answer.body}`);
  }
  assert.equal((await read(node, 'free')).status, 404);
  assert.equal((await read(node, 'pay-1')).status, 404, 'a rule without a size');
  assert.equal((await request(node.ports.listen, `/apps/${APP.appId}/channels/log-1/history`)).status, 401);
}));
