// What backends are told last is true, also when the node that tells them is another one meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, subscribed } from '../support/js/clients.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { withBackend } from '../support/js/webhooks.mjs';

const CHANNELS = Array.from({ length: 40 }, (_, i) => `room-${i}`);
const OCCUPANCY = ['channel_occupied', 'channel_vacated'];
const LONG = { ms: 60_000, every: 100 };

const lastWord = (backend, channel) => backend.of(channel, ...OCCUPANCY).at(-1)?.name;
const wrong = (backend, name) => CHANNELS.filter((channel) => lastWord(backend, channel) !== name);

/** Until nothing waits for an endpoint anywhere and the last word on every channel is this one. */
async function atRest(nodes, backend, name) {
  await waitFor(`${name} to be the last word on every channel`, async () => {
    const queues = await Promise.all(nodes.map((node) => node.metric('tulle_webhook_queue')));
    return queues.every((size) => size === 0) && wrong(backend, name).length === 0;
  }, LONG);
}

async function occupyAll(node) {
  const pusher = client(node);
  await Promise.all(CHANNELS.map((channel) => subscribed(pusher, channel)));
  return pusher;
}

test('channels that are emptied right before all nodes are restarted in turn are told to be vacated', () => withBackend(3, {
  planned: true, topology: 'all', settings: { vacated_hold: '3s' },
}, async (mesh, backend) => {
  const pusher = await occupyAll(mesh.nodes[0]);
  await atRest(mesh.nodes, backend, 'channel_occupied');
  CHANNELS.forEach((channel) => pusher.unsubscribe(channel));
  pusher.disconnect();
  for (const [index, node] of mesh.nodes.entries()) {
    node.program.kill('SIGTERM');
    await node.gone();
    await node.restart(mesh.peersOf(index, 'all'));
    await mesh.whole();
  }
  await atRest(mesh.nodes, backend, 'channel_vacated');
}));

test('what a node still wants to tell when its duty moves to a newcomer is not its last word', () => withBackend(3, {
  planned: true, topology: 'all',
}, async (mesh, backend) => {
  const [first, second, newcomer] = mesh.nodes;
  newcomer.program.kill('SIGTERM');
  await newcomer.gone();
  const pusher = await occupyAll(first);
  await atRest([first, second], backend, 'channel_occupied');
  backend.answer = () => 503;
  CHANNELS.forEach((channel) => pusher.unsubscribe(channel));
  const refused = () => backend.requests.filter(({ body }) => body.includes('channel_vacated'));
  await waitFor('both nodes to have been refused', () => new Set(refused().map(({ headers }) => headers['x-node'])).size === 2, LONG);
  await newcomer.restart(mesh.peersOf(2, 'all'));
  await mesh.whole();
  await Promise.all(CHANNELS.map((channel) => subscribed(pusher, channel)));
  backend.answer = () => 200;
  await atRest(mesh.nodes, backend, 'channel_occupied');
  assert.ok((await first.metric('tulle_webhook_handed_on_total')) + (await second.metric('tulle_webhook_handed_on_total')) > 0,
    'some of what was refused was the newcomer\'s to tell');
  pusher.disconnect();
}));
