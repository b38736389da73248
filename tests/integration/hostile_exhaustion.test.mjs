// Descriptors and memory used up by strangers: nobody's process ends, health and metrics answer, others are served, and all is
// well again as soon as the strangers have gone.
import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, test } from 'node:test';
import { client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { upgrade } from '../support/js/frames.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';

const RECOVERY_MS = 5_000;
const KILOBYTE = 1024;
const UP = 'GET /up HTTP/1.1\r\nHost: a\r\n\r\n';
const few = (descriptors) => ({ under: ['prlimit', `--nofile=${descriptors}:${descriptors}`] });

/** A socket that has sent `bytes`; `text` is what has come back. */
class Stranger {
  text = '';
  isEnded = false;

  static all = new Set();

  constructor(node, bytes, { reads = true } = {}) {
    Stranger.all.add(this);
    this.socket = net.connect(parts(node.ports.listen), () => this.socket.write(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.isEnded = true; });
    if (reads) this.socket.on('data', (part) => { this.text += part.toString('latin1'); });
  }

  get status() { return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1] ?? 0); }
  answered() { return waitFor('an answer or the end', () => this.status || this.isEnded); }
  drop() { this.socket.destroy(); }
}

afterEach(() => {
  Stranger.all.forEach((one) => one.drop());
  Stranger.all.clear();
});

/** Ten at a time: fewer than the HTTP connections that a shard may have. */
async function crowd(count, make) {
  const all = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(10, count - all.length) }, () => make());
    await Promise.all(some.map((one) => one.answered()));
    all.push(...some);
  }
  return all;
}

const fill = (node, count) => crowd(count, () => new Stranger(node, upgrade()));
const statusOf = async (address, path) => (await request(address, path)).status;

/** What must answer whatever the public listener has open. */
async function healthAnswers(node, ready) {
  assert.ok(!node.program.hasEnded, node.log);
  assert.equal(await statusOf(node.ports.admin, '/up'), 200);
  assert.equal(await statusOf(node.ports.admin, '/metrics'), 200);
  assert.equal(await statusOf(node.ports.admin, '/v1/status'), 200);
  assert.equal(await statusOf(node.ports.listen, '/up'), 200);
  assert.equal(await statusOf(node.ports.admin, '/ready'), ready ? 200 : 503);
  assert.equal(await statusOf(node.ports.listen, '/ready'), ready ? 200 : 503);
}

async function opensAgain(node) {
  await waitFor('the node to be ready', async () => (await statusOf(node.ports.admin, '/ready')) === 200, { ms: RECOVERY_MS });
  const late = new Stranger(node, upgrade());
  await late.answered();
  assert.equal(late.status, 101);
  late.drop();
}

test('a full house refuses with 503, is not ready, publishes on, and opens again', () => withCluster(1, {
  args: ['--shards', '2'], ...few(400),
}, async ({ nodes: [node] }) => {
  assert.equal(await node.metric('tulle_max_connections'), 400 - 160 - 16 - 25);
  const bystander = client(node);
  const received = inbox(await subscribed(bystander, 'news'), 'tick');
  const all = await fill(node, 300);
  const refused = all.filter(({ status }) => status !== 101);
  assert.equal(refused.length, 300 - (199 - 12 - 1));
  for (const { text } of refused) assert.match(text, /^HTTP\/1\.1 503 [^]*Retry-After: 1/);
  await healthAnswers(node, false);
  await server(node).trigger('news', 'tick', { n: 1 });
  await waitFor('the event', () => received.length === 1);
  assert.ok(await node.metric('tulle_full_refusals_total') >= refused.length);
  assert.equal(await node.metric('tulle_accept_failures_total'), 0);
  all.slice(0, 20).forEach((one) => one.drop());
  await opensAgain(node);
  await healthAnswers(node, true);
  all.forEach((one) => one.drop());
  bystander.disconnect();
}));

test('kept-alive and half requests without end keep nobody out', () => withCluster(1, { args: ['--shards', '2'], ...few(400) }, async ({ nodes: [node] }) => {
  const idle = await crowd(1_000, () => new Stranger(node, UP));
  for (const one of idle) assert.equal(one.status, 200, 'each had its answer');
  await waitFor('the oldest to have made way', () => idle.filter(({ isEnded }) => !isEnded).length <= 50);
  const half = Array.from({ length: 300 }, () => new Stranger(node, 'GET /up HTTP/1.1\r\nHost: a\r\n'));
  await waitFor('the oldest of them to have made way too', () => half.filter(({ status }) => status === 503).length >= 240);
  await healthAnswers(node, true);
  const clients = await fill(node, 100);
  for (const one of clients) assert.equal(one.status, 101);
  assert.ok(await node.metric('tulle_http_evicted_total') >= 950);
  [...idle, ...half, ...clients].forEach((one) => one.drop());
}));

test('three full houses, and one of them is killed: the others live, and see it come back', () => withCluster(3, {
  args: ['--shards', '1'], planned: true, topology: 'all', ...few(300),
}, async (cluster) => {
  const all = (await Promise.all(cluster.nodes.map((node) => fill(node, 250)))).flat();
  const [one, two, three] = cluster.nodes;
  for (const node of cluster.nodes) await healthAnswers(node, false);
  await three.kill();
  const moved = (await Promise.all([one, two].map((node) => fill(node, 100)))).flat();
  for (const node of [one, two]) {
    await waitFor('the death to be seen', async () => ['dead', undefined].includes(await node.stateOf('n3')));
    await healthAnswers(node, false);
  }
  await three.restart([one.ports.mesh, two.ports.mesh]);
  await waitFor('n3 to be seen again', async () => await one.stateOf('n3') === 'alive' && await two.stateOf('n3') === 'alive');
  [...all, ...moved].forEach((stranger) => stranger.drop());
  await cluster.whole(cluster.nodes, { ms: RECOVERY_MS });
  for (const node of cluster.nodes) await opensAgain(node);
  const bystander = client(one);
  const received = inbox(await subscribed(bystander, 'news'), 'tick');
  await server(three).trigger('news', 'tick', { n: 1 });
  await waitFor('the event', () => received.length === 1);
  bystander.disconnect();
}));

test('the admin listener keeps its descriptors for those that ask', () => withCluster(1, { args: ['--shards', '1'], ...few(300) }, async ({ nodes: [node] }) => {
  const idle = Array.from({ length: 200 }, () => new Stranger({ ports: { listen: node.ports.admin } }, UP));
  await Promise.all(idle.map((one) => one.answered()));
  await healthAnswers(node, true);
  assert.ok(idle.filter(({ isEnded }) => !isEnded).length <= 64);
  idle.forEach((one) => one.drop());
}));

/** A message of 100 KB of which the last bytes never come: the node has to keep it. */
function unfinished() {
  const part = Buffer.alloc(10 + 4 + 100 * KILOBYTE, 'a');
  part[0] = 0x81;
  part[1] = 0x80 | 127;
  part.writeBigUInt64BE(BigInt(101 * KILOBYTE), 2);
  part.fill(0, 10, 14);
  return part;
}

/** Connects, subscribes to a channel of its own, and then reads nothing any more. */
async function deaf(node, channel) {
  const one = new Stranger(node, upgrade());
  await one.answered();
  const text = JSON.stringify({ event: 'pusher:subscribe', data: { channel } });
  one.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
  await waitFor('the subscription', () => one.text.includes('subscription_succeeded'));
  one.socket.pause();
  return one;
}

async function survives(node, harm) {
  const bystander = client(node);
  const received = inbox(await subscribed(bystander, 'news'), 'tick');
  await harm();
  const refusals = async () => await node.metric('tulle_shed_clients_total') + await node.metric('tulle_full_refusals_total');
  await waitFor('clients to be closed or refused', async () => await refusals() > 0);
  await waitFor('an event to be accepted', () => server(node).trigger('news', 'tick', { n: 1 }).then(() => true), { ms: RECOVERY_MS });
  await waitFor('the event for the bystander', () => received.length === 1);
  assert.equal(bystander.connection.state, 'connected');
  await node.says(/memory: \d+ of \d+ bytes are used/);
  assert.ok(node.log.split('\n').length < 60, node.log);
  Stranger.all.forEach((one) => one.drop());
  await opensAgain(node);
  assert.equal(await node.metric('tulle_memory_pressure'), 0);
  assert.equal(await node.metric('tulle_failures_total'), 0);
  bystander.disconnect();
}

test('unfinished messages: those that hold most are closed, others are served', () => withCluster(1, {
  args: ['--shards', '2', '--memory-limit', `${128 << 20}`],
}, async ({ nodes: [node] }) => {
  await survives(node, async () => {
    const all = await fill(node, 1_600);
    all.forEach((one) => one.socket.write(unfinished()));
    await waitFor('some to be told why', () => all.some(({ text }) => text.includes('"code":4100')));
  });
  assert.ok(await node.metric('tulle_shed_clients_total') > 0);
}));

test('unfinished messages in a small address space: the same', () => withCluster(1, {
  args: ['--shards', '1'], under: ['prlimit', `--as=${300 << 20}`],
}, async ({ nodes: [node] }) => {
  await survives(node, async () => {
    for (let i = 0; i < 4; ++i) {
      const all = await fill(node, 400);
      all.filter(({ status }) => status === 101).forEach((one) => one.socket.write(unfinished()));
    }
  });
}));

test('clients that do not read: those for whom most waits are closed, others are served', () => withCluster(1, {
  args: ['--shards', '2', '--memory-limit', `${200 << 20}`, '--outbox-bytes', `${16 << 20}`, '--write-timeout', '60'],
}, async ({ nodes: [node] }) => {
  await survives(node, async () => {
    const all = Array.from({ length: 14 }, (_, i) => `c${i}`);  // 14 full outboxes are more than the node may use
    await Promise.all(all.map((channel) => deaf(node, channel)));
    const body = 'x'.repeat(100 * KILOBYTE);
    for (let i = 0; i < 300 && (await node.metric('tulle_shed_clients_total')) === 0; ++i) {
      await Promise.allSettled(all.map((channel) => server(node).trigger(channel, 'e', body)));
    }
  });
}));
