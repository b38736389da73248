// What backends were told is true at the end, also when the end is that no node is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, RawClient, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { userAt } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { withBackend } from '../support/js/webhooks.mjs';
import { freeze } from '../support/js/freeze.mjs';

const ROOMS = Array.from({ length: 6 }, (_, i) => `room-${i}`);
const PRESENCE = Array.from({ length: 4 }, (_, i) => `presence-${i}`);
const HOLD = { vacated_hold: '3s', removed_hold: '3s' };
const LONG = { ms: 30_000 };
/** A stop takes this time at most when the clients go at once: 5 s for the last words, and what the machine takes. */
const STOP_MS = 9_000;

const lastOf = (backend, channel, ...names) => backend.of(channel, ...names).at(-1);
const userWord = (backend, channel, user) => backend.of(channel, 'member_added', 'member_removed')
  .filter((event) => event.user_id === user).at(-1)?.name;

/** A user for each node in each presence channel, and a subscriber of each room; disconnects them when `body` is done. */
async function withPeople(nodes, backend, body) {
  const clients = [];
  try {
    for (const [index, node] of nodes.entries()) {
      const user = userAt(node, `user-${index}`);
      clients.push(user);
      await Promise.all([...PRESENCE, ...ROOMS.filter((_, i) => i % nodes.length === index)].map((name) => subscribed(user, name)));
    }
    await waitFor('the backend to know all of them', () => ROOMS.every((name) => lastOf(backend, name, 'channel_occupied')) &&
      PRESENCE.every((name) => nodes.every((_, i) => userWord(backend, name, `user-${i}`) === 'member_added')), LONG);
    await body(clients);
  } finally {
    clients.forEach((pusher) => pusher.disconnect());
  }
}

/** What is not true at the end, when nobody is connected any more. */
function untrue(backend, users) {
  const rooms = [...ROOMS, ...PRESENCE].filter((name) => lastOf(backend, name, 'channel_occupied', 'channel_vacated')?.name !== 'channel_vacated');
  const counts = ROOMS.filter((name) => lastOf(backend, name, 'subscription_count')?.subscription_count !== 0);
  const members = PRESENCE.flatMap((name) => users.filter((user) => userWord(backend, name, user) !== 'member_removed')
    .map((user) => `${user} of ${name}`));
  return { rooms, counts, members };
}
const NOTHING = { rooms: [], counts: [], members: [] };

async function endOf(node) {
  await node.gone();
  assert.equal(node.program.child.exitCode, 0, `${node.name} has left in order`);
}

for (const shards of [1, 4]) {
  test(`the only node tells that nobody is left, ${shards} shards`, () => withBackend(1, {
    settings: HOLD, args: ['--shards', `${shards}`],
  }, async ({ nodes: [node] }, backend) => withPeople([node], backend, async () => {
    const started = performance.now();
    node.program.kill('SIGTERM');
    await endOf(node);
    assert.deepEqual(untrue(backend, ['user-0']), NOTHING);
    assert.ok(performance.now() - started < STOP_MS);
    assert.doesNotMatch(node.log, /were given up|not told to webhooks/);
    assert.equal(node.log.split('no other node stays').length, 2, 'is said once');
  })));
}

const DRAIN = ['--drain-grace', '0', '--drain-duration', '3'];
for (const [how, pause, args] of [['at the same moment', 0, []], ['within milliseconds', 3, []],
  ['one after the other within the hold', 700, []], ['at the same moment, and that move their clients first,', 0, DRAIN]]) {
  test(`three nodes that are stopped ${how} tell that nobody is left`, () => withBackend(3, {
    settings: HOLD, topology: 'all', planned: true, args,
  }, async ({ nodes }, backend) => withPeople(nodes, backend, async () => {
    for (const node of nodes) {
      node.program.kill('SIGTERM');
      if (pause) await new Promise((resolve) => { setTimeout(resolve, pause); });
    }
    await Promise.all(nodes.map(endOf));
    assert.deepEqual(untrue(backend, ['user-0', 'user-1', 'user-2']), NOTHING);
    const again = PRESENCE.filter((name) => backend.of(name, 'member_removed').length > nodes.length);
    assert.deepEqual(again, [], 'each was told to be gone once');
  })));
}

test('the last node tells for one that was killed right before', () => withBackend(2, { settings: HOLD, planned: true },
  async ({ nodes: [first, last] }, backend) => withPeople([first, last], backend, async () => {
    await first.kill();
    await waitFor('the death to be found', async () => (await last.stateOf('n1')) !== 'alive');
    last.program.kill('SIGTERM');
    await endOf(last);
    assert.deepEqual(untrue(backend, ['user-0', 'user-1']), NOTHING);
  })));

test('the last node beside a frozen one tells of its own clients', () => withBackend(2, { settings: HOLD, planned: true },
  async ({ nodes: [frozen, last] }, backend) => withPeople([frozen, last], backend, async () => {
    await freeze(frozen.program.pid);
    try {
      last.program.kill('SIGTERM');
      await endOf(last);
      assert.deepEqual(PRESENCE.filter((name) => userWord(backend, name, 'user-1') !== 'member_removed'), []);
    } finally {
      frozen.program.kill('SIGKILL');
    }
  })));

test('who comes back at another node in time was never gone', () => withBackend(3, { settings: HOLD, topology: 'all', planned: true },
  async (mesh, backend) => withPeople(mesh.nodes, backend, async (clients) => {
    const [leaver, other] = mesh.nodes;
    leaver.program.kill('SIGTERM');
    clients[0].disconnect();
    clients[0] = userAt(other, 'user-0');
    await Promise.all(PRESENCE.map((name) => subscribed(clients[0], name)));
    await endOf(leaver);
    // Long after both graces something else is told by whoever is left, so nothing else is on its way any more.
    const started = performance.now();
    await waitFor('the graces to be over', () => performance.now() - started > 6_000, LONG);
    assert.deepEqual(PRESENCE.flatMap((name) => backend.of(name, 'member_removed')), []);
  })));

test('a backend that is away for a moment is told when it is back', () => withBackend(1, { settings: HOLD },
  async ({ nodes: [node] }, backend) => withPeople([node], backend, async () => {
    let refused = 0;
    backend.answer = () => (++refused <= 3 ? 503 : 200);
    node.program.kill('SIGTERM');
    await endOf(node);
    assert.deepEqual(untrue(backend, ['user-0']), NOTHING);
    assert.ok(refused > 3);
  })));

for (const [what, answer] of [['refuses', 503], ['never answers', null]]) {
  test(`a backend that ${what} holds the stop up for its bound, and what it was not told is counted`, () => withBackend(1, { settings: HOLD },
    async ({ nodes: [node] }, backend) => withPeople([node], backend, async () => {
      backend.answer = () => answer;
      const started = performance.now();
      node.program.kill('SIGTERM');
      await endOf(node);
      const took = performance.now() - started;
      assert.ok(took > 4_000 && took < STOP_MS, `${took} ms`);
      // Of each room that it is vacated and has 0 subscribers, of each presence channel that it is vacated and the user is gone.
      assert.match(node.log, new RegExp(`${2 * ROOMS.length + 2 * PRESENCE.length} events were given up`));
      assert.match(node.log, new RegExp(`not told to webhooks: ${ROOMS.length + 2 * PRESENCE.length} changes and events`));
    })));
}

test('three nodes that are stopped at once with a backend that never answers keep the bound', () => withBackend(3, {
  settings: HOLD, topology: 'all', planned: true,
}, async ({ nodes }, backend) => withPeople(nodes, backend, async () => {
  backend.answer = () => null;
  const started = performance.now();
  nodes.forEach((node) => node.program.kill('SIGTERM'));
  await Promise.all(nodes.map(endOf));
  assert.ok(performance.now() - started < STOP_MS);
})));

test('what was held, and an event that waits for a backend, is told by the last node', () => withBackend(1, { settings: HOLD },
  async ({ nodes: [node] }, backend) => {
    const pusher = client(node);
    const channel = await subscribed(pusher, 'private-x');
    await subscribed(pusher, 'brief');
    await waitFor('the backend to know', () => backend.of('brief', 'channel_occupied').length === 1);
    backend.answer = () => 503;
    pusher.unsubscribe('brief');
    channel.trigger('client-hello', { said: 'last' });
    await waitFor('the client event to be refused', () => backend.requests.some(({ body }) => body.includes('client-hello')));
    node.program.kill('SIGTERM');
    await waitFor('another attempt', () => backend.requests.filter(({ body }) => body.includes('client-hello')).length > 1);
    backend.answer = () => 200;
    await endOf(node);
    pusher.disconnect();
    assert.equal(backend.of('private-x', 'client_event').length, 1);
    for (const name of ['brief', 'private-x']) assert.equal(lastOf(backend, name, 'channel_occupied', 'channel_vacated').name, 'channel_vacated');
  }));

test('a second signal ends the last words too', () => withBackend(1, { settings: HOLD },
  async ({ nodes: [node] }, backend) => withPeople([node], backend, async () => {
    backend.answer = () => null;
    node.program.kill('SIGTERM');
    await waitFor('the last words to begin', () => backend.requests.some(({ body }) => body.includes('channel_vacated')));
    await waitFor('the haste', () => { // a second one that comes at once is taken for the first
      node.program.kill('SIGTERM');
      return node.program.hasEnded;
    }, { every: 100 });
    await node.gone();
    assert.equal(node.program.child.exitCode, 1);
  })));

test('without webhooks a stop waits for nothing', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:subscribe', data: { channel: 'x' } });
  await raw.next('pusher_internal:subscription_succeeded');
  const started = performance.now();
  node.program.kill('SIGTERM');
  await endOf(node);
  assert.ok(performance.now() - started < 3_000);
  assert.doesNotMatch(node.log, /webhooks/, 'there is nobody to tell');
  assert.match(node.log, /stopping: the same signal again/);
}));
