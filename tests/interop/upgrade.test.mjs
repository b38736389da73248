// Nodes of this version of the mesh protocol and of the one before in one mesh: upgraded one by one, taken back one by one, and whatever is
// said by the ones is heard by the others as it was said. The program of the version before is built from the history, which takes minutes:
// only with TULLE_TEST_FULL=1, or where TULLE_PREVIOUS_TULLED says where it is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, test } from 'node:test';
import path from 'node:path';
import { promisify } from 'node:util';
import { RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { PROJECT } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const BUILD_MS = 45 * 60_000;
const NO_HISTORY = 3;
const OLDER = 2;
const NEWER = 3;

let previous = process.env.TULLE_PREVIOUS_TULLED;

/** Why there is nothing to test with; undefined: there is. */
async function missing() {
  if (previous) return undefined;
  if (!FULL) return 'builds the version before: only with TULLE_TEST_FULL=1';
  try {
    const { stdout } = await promisify(execFile)(path.join(PROJECT, 'tests/support/previous_tulled'), { timeout: BUILD_MS, maxBuffer: 1 << 26 });
    previous = stdout.trim();
    return undefined;
  } catch (error) {
    if (error.code === NO_HISTORY) return error.stderr.trim();
    throw error;
  }
}

/** A subscriber of three channels at this node, which has been told that it is one. */
async function subscriber(node, user) {
  const client = await new RawClient(node).open();
  for (const channel of ['news', 'cache-news', 'presence-room']) {
    const signed = channel.startsWith('presence-') ? server(node).authorizeChannel(client.socketId, channel, { user_id: user }) : {};
    client.send({ event: 'pusher:subscribe', data: { channel, ...signed } });
    await client.next('pusher_internal:subscription_succeeded');
  }
  return client;
}

/** What JSON can say and a text cannot, escapes, and data that are JSON themselves. */
const NAMES = ['plain', 'quotes " and \\ and \n', 'half \ud83d', 'whole \ud83d\ude00 é'];
const DATA = ['', 'text', '{"a":[1,"\\u00e9"]}', 'half \ude00, whole \ud83d\ude00, NUL \u0000'];
let round = 0;

/** From each node to a client at each node: events of backends and of clients, the last event of a cache channel, and who is present. */
async function eachHearsEach(nodes) {
  const clients = await Promise.all(nodes.map((node, i) => subscriber(node, `u${i}`)));
  const said = [];
  for (const [i, node] of nodes.entries()) {
    for (const [j, name] of NAMES.entries()) {
      const event = `${name} ${++round}`;
      const data = `${DATA[j]} of ${node.name}`;
      await server(node).trigger(['news', 'cache-news'], event, data);
      said.push({ event, channel: 'news', data }, { event, channel: 'cache-news', data });
    }
    clients[i].send({ event: `client-${++round}`, channel: 'presence-room', data: { of: i, half: '\ud83d' } });
    await server(node).trigger('presence-room', `end ${++round}`, '');
    said.push({ event: `client-${round - 1}`, channel: 'presence-room', data: { of: i, half: '\ud83d' }, user_id: `u${i}` });
    said.push({ event: `end ${round}`, channel: 'presence-room', data: '' });
  }
  for (const [i, client] of clients.entries()) {
    const expected = said.filter((frame) => frame.user_id !== `u${i}`);
    const heard = () => client.frames.filter(({ event }) => !event.startsWith('pusher'));
    await waitFor(`all events at ${nodes[i].name}`, () => heard().length >= expected.length);
    const sorted = (frames) => frames.map((frame) => JSON.stringify(Object.entries(frame).sort())).sort();
    assert.deepEqual(sorted(heard()), sorted(expected), nodes[i].name);
  }
  const last = said.filter(({ channel }) => channel === 'cache-news').at(-1);
  for (const node of nodes) {
    const late = await new RawClient(node).open();
    late.send({ event: 'pusher:subscribe', data: { channel: 'cache-news' } });
    assert.deepEqual(await late.next(last.event), last, node.name);
    const users = await server(node).get({ path: '/channels/presence-room/users' });
    assert.deepEqual((await users.json()).users.map(({ id }) => id).sort(), nodes.map((_, i) => `u${i}`));
    late.drop();
  }
  clients.forEach((client) => client.drop());
}

/** Of the sessions of a node, by the name of the other. */
async function spoken(node) {
  const { members } = await node.status();
  return Object.fromEntries(members.filter(({ state }) => state === 'alive').map(({ name, session }) => [name, session.protocol]));
}

async function replace(node, tulled, nodes) {
  node.program.kill('SIGTERM');
  await node.gone();
  node.tulled = tulled;
  await node.restart(nodes.filter((other) => other !== node).map(({ ports }) => ports.mesh));
}

/** The former program knows no mesh keys. All nodes are of `from`; one after the other makes room for one of `to`. */
async function roll(from, to, order) {
  await withCluster(3, { planned: true, start: false, keys: false }, async (cluster) => {
    const { nodes } = cluster;
    for (const node of nodes) node.tulled = from;
    await cluster.start('all');
    await eachHearsEach(nodes);
    for (const index of order) {
      await replace(nodes[index], to, nodes);
      await cluster.whole();
      await eachHearsEach(nodes);
      const newer = nodes.filter(({ tulled }) => tulled === undefined);
      for (const node of newer) {
        const expected = nodes.filter((other) => other !== node).map((other) => [other.name, other.tulled ? OLDER : NEWER]);
        assert.deepEqual(await spoken(node), Object.fromEntries(expected), node.name);
        assert.equal(await node.metric('tulle_mesh_protocol'), newer.length === nodes.length ? NEWER : OLDER);
        assert.equal(await node.metric('tulle_mesh_malformed_messages_total'), 0);
      }
      for (const node of nodes.filter(({ tulled }) => tulled)) assert.equal(await node.metric('tulle_mesh_malformed_messages_total'), 0);
    }
  });
}

describe('nodes of two versions in one mesh', async () => {
  let skip;
  before(async () => { skip = await missing(); });
  const either = (name, body) => test(name, async (t) => (skip ? t.skip(skip) : body()));

  either('are upgraded, the first one first', () => roll(previous, undefined, [0, 1, 2]));
  either('are upgraded, the last one first', () => roll(previous, undefined, [2, 1, 0]));
  either('are taken back, the first one first', () => roll(undefined, previous, [0, 1, 2]));
  either('are taken back, the last one first', () => roll(undefined, previous, [2, 1, 0]));
});
