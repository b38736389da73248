// client/js with pusher-js, and in Echo: clients of nodes that are killed miss nothing and get nothing twice.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { resume } from '../../client/js/tulle-resume.js';
import { withBalancer } from '../support/js/balancer.mjs';
import { APP, client, connected, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { parts } from '../support/js/http.mjs';
import { PROJECT } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const require = createRequire(import.meta.url);

const RULES = `
[[apps]]
id = "${APP.appId}"
key = "${APP.key}"
secret = "${APP.secret}"
[[apps.history]]
channel_name_ends_with = "log"
size = 1000
`;

const withRules = (count, body) => withCluster(count, { start: false }, async (cluster) => {
  const config = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(config, RULES);
  cluster.nodes.forEach((node) => { node.args = ['--config', config]; });
  await cluster.start();
  for (const node of cluster.nodes) {
    await waitFor('all members to agree', async () => await node.metric('tulle_mesh_history_members_agree') === 1);
  }
  const begun = Date.now();
  await waitFor('the mesh to be older than a second', () => Date.now() > begun + 1500);
  await body(cluster);
});

/** What comes on the channel, and what is told of each return. */
function listen(channel) {
  const got = { events: [], returns: [] };
  channel.bind('e', (data) => got.events.push(data));
  for (const event of ['tulle:recovered', 'tulle:unrecovered']) channel.bind(event, (data) => got.returns.push([event, data]));
  return got;
}

// pusher-js 7 gives a transport up that has ended twice within seconds.
const KILLS = { current: 3, 'pusher-js 7': 1 };
const CLIENTS = {
  current: (node) => client(node),
  'pusher-js 7': (node) => {
    const { host, port } = parts(node.ports.listen);
    const Pusher = require('pusher-js-7');
    return new Pusher(APP.key, { wsHost: host, wsPort: port, forceTLS: false, enabledTransports: ['ws'], cluster: '', disableStats: true,
      authorizer: ({ name }) => ({ authorize: (socketId, done) => done(null, server(node).authorizeChannel(socketId, name)) }) });
  },
};

for (const [name, connect] of Object.entries(CLIENTS)) {
  test(`${name}: nothing is missed and nothing comes twice while the client's node is killed, again and again`, { timeout: 120_000 },
    () => withRules(3, ({ nodes: [n1, n2, n3] }) => withBalancer([n1, n2], async (balancer) => {
      const pusher = connect(balancer);
      resume(pusher);
      const flow = { sent: 0, goes: true };
      let published;
      try {
        const plain = listen(await subscribed(pusher, 'a-log'));
        const closed = listen(await subscribed(pusher, 'private-b-log'));
        published = (async () => {
          // A client is away for a second, and is sent 500 events afterwards at most.
          for (; flow.goes; flow.sent += 1) {
            await server(n3).trigger(['a-log', 'private-b-log'], 'e', flow.sent);
            await setTimeout(5);
          }
        })();
        for (let kill = 0; kill < KILLS[name]; kill += 1) {
          await waitFor('events', () => plain.events.length > 20 * (kill + 1));
          const victim = balancer.chosen;
          await victim.kill();
          await waitFor('the client to be back on both channels', () => plain.returns.length > kill && closed.returns.length > kill);
          await victim.restart([n3.ports.mesh]);
          await victim.ready();
        }
        flow.goes = false;
        await published;
        for (const got of [plain, closed]) {
          await waitFor('all events', () => got.events.length >= flow.sent);
          assert.deepEqual(got.events, [...Array(flow.sent).keys()]);
          assert.deepEqual(got.returns.map(([event]) => event), Array(KILLS[name]).fill('tulle:recovered'));
        }
      } finally {
        flow.goes = false;
        await published;
        pusher.disconnect();
      }
    })));
}

test('Laravel Echo goes on as well, and a channel that the application has left begins anew', { timeout: 60_000 },
  () => withRules(2, ({ nodes }) => withBalancer([nodes[0]], async (balancer) => {
    const { default: Echo } = await import('laravel-echo');
    const { host, port } = parts(balancer.ports.listen);
    const { PusherClient: Pusher } = await import('../support/js/clients.mjs');
    const echo = new Echo({ broadcaster: 'pusher', Pusher, key: APP.key, wsHost: host, wsPort: port, forceTLS: false, enabledTransports: ['ws'], cluster: '' });
    const { pusher } = echo.connector;
    resume(pusher);
    try {
      const got = [];
      echo.channel('echo-log').listen('.e', (data) => got.push(data));
      const channel = pusher.channel('echo-log');
      const { returns } = listen(channel);
      await waitFor('the subscription', () => channel.subscribed);
      await server(nodes[1]).trigger('echo-log', 'e', 1);
      await waitFor('the first event', () => got.length === 1);
      pusher.disconnect();
      await server(nodes[1]).trigger('echo-log', 'e', 2);
      pusher.connect();
      await waitFor('the event that was missed', () => got.length === 2);
      assert.deepEqual([got, returns], [[1, 2], [['tulle:recovered', { replayed: 1, reason: undefined }]]]);
      echo.leave('echo-log');
      await waitFor('the node to know', async () => {
        const answer = await server(nodes[1]).get({ path: '/channels/echo-log' });
        return (await answer.json()).occupied === false;
      });
      await server(nodes[1]).trigger('echo-log', 'e', 3);
      echo.channel('echo-log').listen('.e', (data) => got.push(data));
      await waitFor('the subscription', () => pusher.channel('echo-log').subscribed);
      await server(nodes[1]).trigger('echo-log', 'e', 4);
      await waitFor('the next event', () => got.length === 3);
      assert.deepEqual(got, [1, 2, 4]);
    } finally {
      echo.disconnect();
    }
  })));

test('a page goes on after a reload, and a newcomer is given what the page wants', { timeout: 60_000 }, () => withRules(2, async ({ nodes }) => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const leave = [];
  globalThis.addEventListener = (event, handler) => { assert.equal(event, 'pagehide'); leave.push(handler); };
  const load = async () => {
    const pusher = client(nodes[0]);
    resume(pusher, { storage, rewind: 2 });
    const channel = pusher.subscribe('page-log');
    const got = listen(channel);
    await connected(pusher);
    await waitFor('the subscription', () => channel.subscribed);
    return { pusher, got };
  };
  try {
    for (const data of [1, 2, 3]) await server(nodes[1]).trigger('page-log', 'e', data);
    const first = await load();
    await waitFor('the last two', () => first.got.events.length === 2);
    assert.deepEqual(first.got.events, [2, 3]);
    leave.forEach((handler) => handler());
    first.pusher.disconnect();
    await server(nodes[1]).trigger('page-log', 'e', 4);
    const second = await load();
    await waitFor('the event that was missed', () => second.got.events.length > 0);
    assert.deepEqual([second.got.events, second.got.returns.length], [[4], 1]);
    second.pusher.disconnect();
  } finally {
    delete globalThis.addEventListener;
  }
}));

test('the package is small, and has the version of the project', async () => {
  const folder = path.join(PROJECT, 'client/js');
  assert.ok((await fs.stat(path.join(folder, 'tulle-resume.js'))).size < 2048);
  const { version } = JSON.parse(await fs.readFile(path.join(folder, 'package.json'), 'utf8'));
  const project = await fs.readFile(path.join(PROJECT, 'CMakeLists.txt'), 'utf8');
  assert.ok(project.includes(`project(tulle VERSION ${version} `));
});
