// Each endpoint of an app has a life of its own: what one refuses, or never answers, keeps nothing from the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscribed, withClients } from '../support/js/clients.mjs';
import { userAt } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { Backend, withBackend } from '../support/js/webhooks.mjs';

const OCCUPANCY = ['channel_occupied', 'channel_vacated'];
const MEMBERS = ['member_added', 'member_removed'];
const LONG = { ms: 60_000, every: 50 };

const occupancy = (backend, channel) => backend.of(channel, ...OCCUPANCY).map(({ name }) => name);
const members = (backend, channel) => backend.of(channel, ...MEMBERS).map(({ name }) => name);
const hears = (backend, channel, words, what = occupancy) => waitFor(`${channel}: ${words}`,
  () => what(backend, channel).length >= words.length, LONG).then(() => assert.deepEqual(what(backend, channel), words));

/** A mesh whose app has two endpoints: one that is well, and one that answers as `failure` says. */
async function withTwoEndpoints(count, failure, options, body) {
  const failing = await new Backend().listen();
  failing.answer = () => failure;
  try {
    await withBackend(count, { ...options, webhooks: (url) => [{ url: failing.url }, { url }] },
      (mesh, healthy) => body(mesh, healthy, failing));
  } finally {
    failing.close();
  }
}

/** Until nothing waits for an endpoint anywhere. */
const atRest = (nodes) => waitFor('nothing to wait', async () => {
  const queues = await Promise.all(nodes.map((node) => node.metric('tulle_webhook_queue')));
  return queues.every((size) => size === 0);
}, LONG);

for (const count of [1, 2]) {
  for (const [what, failure] of [['refuses', 503], ['never answers', null]]) {
    test(`an endpoint that ${what} keeps nothing from the other one, ${count} node(s)`, () => withTwoEndpoints(count, failure, {
      settings: { timeout: '3s' },
    }, async ({ nodes }, healthy, failing) => {
      const node = nodes.at(-1);
      const words = [];
      const people = [];
      const come = async (body) => {
        const pusher = userAt(node, 'ann');
        try {
          await Promise.all([subscribed(pusher, 'room'), subscribed(pusher, 'presence-room')]);
          await isTold('channel_occupied', 'member_added');
          await body?.();
        } finally {
          pusher.disconnect();
        }
        await isTold('channel_vacated', 'member_removed');
      };
      const isTold = async (word, person) => {
        words.push(word);
        people.push(person);
        await hears(healthy, 'room', words);
        await hears(healthy, 'presence-room', words);
        await hears(healthy, 'presence-room', people, members);
      };
      await come();
      await come(async () => {
        await waitFor('the other one to have been asked', () => failing.requests.length > 0, LONG);
        assert.deepEqual(failing.events, []);
        failing.answer = () => 200;
        await waitFor('the other one to know', () => occupancy(failing, 'room').at(-1) === 'channel_occupied' &&
          occupancy(failing, 'presence-room').at(-1) === 'channel_occupied' &&
          members(failing, 'presence-room').at(-1) === 'member_added', LONG);
        await atRest(nodes);
        assert.equal(occupancy(failing, 'room').at(-1), 'channel_occupied');
        assert.deepEqual(occupancy(healthy, 'room'), words, 'nothing was told twice');
        assert.deepEqual(members(healthy, 'presence-room'), people, 'nothing was told twice');
      });
      await waitFor('the end', () => occupancy(failing, 'room').at(-1) === 'channel_vacated', LONG);
    }));
  }
}

test('an endpoint that comes back hears what has become of what it refused', () => withTwoEndpoints(1, 503, {},
  async ({ nodes }, healthy, failing) => {
    await withClients(nodes, async (pusher) => {
      await subscribed(pusher, 'room');
      await hears(healthy, 'room', ['channel_occupied']);
      await waitFor('the other one to refuse it', () => failing.requests.length > 0, LONG);
    });
    await hears(healthy, 'room', OCCUPANCY);
    failing.answer = () => 200;
    await hears(failing, 'room', OCCUPANCY);
    await atRest(nodes);
    assert.deepEqual(occupancy(failing, 'room'), OCCUPANCY);
    assert.deepEqual(occupancy(healthy, 'room'), OCCUPANCY);
  }));

test('the last node tells who listens, though another endpoint refuses an earlier event', () => withTwoEndpoints(1, 503, {},
  async ({ nodes: [node] }, healthy, failing) => {
    await withClients([node], async (pusher) => {
      await subscribed(pusher, 'room');
      await hears(healthy, 'room', ['channel_occupied']);
      await waitFor('the other one to refuse it', () => failing.requests.length > 0, LONG);
      node.program.kill('SIGTERM');
      await node.gone();
    });
    assert.deepEqual(occupancy(healthy, 'room'), OCCUPANCY);
    assert.match(node.log, /were given up/);
  }));

const ROOMS = Array.from({ length: 12 }, (_, i) => `room-${i}`);
const each = (backend, words) => ROOMS.every((room) => occupancy(backend, room).length >= words.length);
const expectEach = (backend, words) => assert.deepEqual(ROOMS.map((room) => occupancy(backend, room)), ROOMS.map(() => words));

/** Rooms that are occupied, and of which one endpoint alone has heard so. Then `move` makes their duties other nodes'. */
async function whileOneRefuses(mesh, healthy, failing, stays, move) {
  await withClients([stays], (pusher) => whileItRefuses(pusher, mesh, healthy, failing, move));
}

async function whileItRefuses(pusher, mesh, healthy, failing, move) {
  await Promise.all(ROOMS.map((room) => subscribed(pusher, room)));
  await waitFor('the rooms to be told as occupied', () => each(healthy, ['channel_occupied']), LONG);
  await waitFor('the other endpoint to have been asked about all', () => ROOMS.every((room) => failing.requests.some(({ body }) =>
    body.includes(`"${room}"`))), LONG);
  await move();
  failing.answer = () => 200;
  await waitFor('the other one to know', () => each(failing, ['channel_occupied']), LONG);
  const left = () => mesh.nodes.filter((node) => !node.program.hasEnded);
  await atRest(left());
  expectEach(healthy, ['channel_occupied']);
  pusher.disconnect();
  await waitFor('the end', () => each(healthy, OCCUPANCY) && each(failing, OCCUPANCY), LONG);
  await atRest(left());
  expectEach(healthy, OCCUPANCY);
}

for (const [what, failure] of [['refuses', 503], ['never answers', null]]) {
  test(`a node that leaves while an endpoint ${what} makes the other one hear nothing twice`, () => withTwoEndpoints(3, failure, {
    topology: 'all', planned: true, settings: { timeout: '8s' }, // longer than a leaver waits for answers
  }, async (mesh, healthy, failing) => {
    const [stays, leaver] = mesh.nodes;
    await whileOneRefuses(mesh, healthy, failing, stays, async () => {
      leaver.program.kill('SIGTERM');
      await leaver.gone();
    });
  }));
}

test('a newcomer that takes duties over while an endpoint refuses makes the other one hear nothing twice', () => withTwoEndpoints(3, 503, {
  topology: 'all', planned: true,
}, async (mesh, healthy, failing) => {
  const [stays, , newcomer] = mesh.nodes;
  newcomer.program.kill('SIGTERM');
  await newcomer.gone();
  await whileOneRefuses(mesh, healthy, failing, stays, async () => {
    await newcomer.restart(mesh.peersOf(2, 'all'));
    await mesh.whole();
    await waitFor('the newcomer to ask the other endpoint, too', () => failing.requests.some(({ headers }) =>
      headers['x-node'] === newcomer.name), LONG);
  });
}));
