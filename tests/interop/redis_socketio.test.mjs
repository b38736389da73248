// Socket.IO servers, one beside each node, joined by their Redis adapters and nothing else; and browsers' clients at each of them.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Emitter } from '@socket.io/redis-emitter';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { LIBRARIES } from '../support/js/redis_drivers.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const SERVERS = 3;
const MS = 10_000;
const { createAdapter: createSailsAdapter } = createRequire(import.meta.url)('@sailshq/socket.io-redis');

const sorted = (values) => [...values].sort();
const library = (name) => LIBRARIES.find((one) => one.name === name);

/** One application server: its own two connections to its node, and one client. */
class App {
  drivers = [];

  static async start(place, { adapter, clients }) {
    const app = new App();
    for (const role of ['pub', 'sub']) app.drivers.push(app[role] = await library(clients).open(place));
    app.http = http.createServer();
    app.io = new Server(app.http, { transports: ['websocket'], adapter: adapter(app.pub.client, app.sub.client) });
    await new Promise((resolve) => { app.http.listen(0, '127.0.0.1', resolve); });
    return app;
  }

  /** A client of this server, and its socket on the server's side. */
  async join() {
    const accepted = new Promise((resolve) => { this.io.once('connection', resolve); });
    this.client = connect(`http://127.0.0.1:${this.http.address().port}`, { transports: ['websocket'], reconnection: false, forceNew: true });
    this.heard = [];
    this.client.onAny((event, ...args) => this.heard.push([event, ...args.filter((arg) => typeof arg !== 'function')]));
    [this.socket] = await within(MS, 'a client to connect', Promise.all([
      accepted, new Promise((resolve) => { this.client.once('connect', resolve); }),
    ]));
  }

  /** Leaves as a server does that is shut down: its adapter gives its subscriptions up. */
  async stop() {
    this.client?.disconnect();
    await this.io.close();
    for (const driver of this.drivers) {
      await within(MS, 'what was asked before to be answered', driver.ping());
      driver.drop();
    }
  }
}

const serverCount = ({ io }) => io.of('/').adapter.serverCount();
/** For the adapter of Sails, which does not tell what it counts. */
const numSub = ({ pub }) => pub.call('PUBSUB', 'NUMSUB', 'socket.io-request#/#').then(([, count]) => count);

/** Until each server knows of all of them, which is when their adapters have subscribed. */
function acquainted(apps, count = serverCount) {
  return Promise.all(apps.map((app) => waitFor('the adapters to know of each other', async () => await count(app) === apps.length)));
}

/** Until each client has heard so much; and then nothing else. */
async function hear(apps, wanted) {
  await waitFor(`what is meant for the clients, after ${JSON.stringify(apps.map(({ heard }) => heard))}`, () =>
    apps.every(({ heard }, i) => heard.length >= wanted[i].length));
  assert.deepEqual(apps.map(({ heard }) => heard), wanted);
  apps.forEach((app) => { app.heard.length = 0; });
}

async function broadcast(apps) {
  const [a, b] = apps;
  a.io.emit('all', 1, 'Ω 🌍', { deep: [true, null] });
  await hear(apps, Array(SERVERS).fill([['all', 1, 'Ω 🌍', { deep: [true, null] }]]));
  b.io.emit('bytes', Buffer.from([0, 128, 255]));
  await hear(apps, Array(SERVERS).fill([['bytes', Buffer.from([0, 128, 255])]]));
  b.socket.broadcast.emit('others');
  await hear(apps, [[['others']], [], [['others']]]);
  for (let n = 0; n < 100; ++n) a.io.emit('n', n);
  await hear(apps, Array(SERVERS).fill(Array.from({ length: 100 }, (_, n) => ['n', n])));
  a.io.local.emit('local');
  a.io.of('/other').emit('another name space');
  a.io.emit('end');
  await hear(apps, [[['local'], ['end']], [['end']], [['end']]]);
}

async function rooms(apps) {
  const [a, b, c] = apps;
  await Promise.all([a.socket.join('one'), b.socket.join(['one', 'two, Ω']), c.socket.join('two, Ω')]);
  c.io.to('one').emit('one');
  a.io.to('two, Ω').emit('two');
  a.io.to('one').except('two, Ω').emit('one without two');
  b.io.to(c.socket.id).emit('you alone');
  b.io.emit('end');
  await waitFor('the end', () => apps.every(({ heard }) => heard.some(([event]) => event === 'end')));
  await waitFor('all of it', () => apps.reduce((sum, { heard }) => sum + heard.length, 0) === 9);
  assert.deepEqual(apps.map(({ heard }) => sorted(heard.flat())), [
    ['end', 'one', 'one without two'], ['end', 'one', 'two'], ['end', 'two', 'you alone'],
  ]);
  apps.forEach((app) => { app.heard.length = 0; });
  await b.socket.leave('one');
  c.io.to('one').emit('one again');
  c.io.emit('end');
  await hear(apps, [[['one again'], ['end']], [['end']], [['end']]]);
}

async function acknowledgements(apps) {
  const [a, b] = apps;
  apps.forEach(({ client, socket }) => client.on('question', (n, answer) => answer([n, socket.id])));
  const answers = await a.io.timeout(MS).emitWithAck('question', 7);
  assert.deepEqual(sorted(answers.map(([n, id]) => n + id)), sorted(apps.map(({ socket }) => 7 + socket.id)));
  assert.equal((await b.io.timeout(MS).to(a.socket.id).emitWithAck('question', 8)).length, 1);
  apps.forEach((app) => { app.heard.length = 0; });
}

async function remoteSockets(apps) {
  const [a, b, c] = apps;
  const ids = apps.map(({ socket }) => socket.id);
  b.socket.data.name = 'b';
  const all = await a.io.fetchSockets();
  assert.deepEqual(sorted(all.map(({ id }) => id)), sorted(ids));
  assert.equal(all.find(({ id }) => id === b.socket.id).data.name, 'b');
  assert.deepEqual((await a.io.in(b.socket.id).fetchSockets()).map(({ id }) => id), [b.socket.id]);
  assert.deepEqual((await a.io.in('nowhere').fetchSockets()).length, 0);

  a.io.socketsJoin('everywhere');
  await waitFor('all to have joined', () => apps.every(({ socket }) => socket.rooms.has('everywhere')));
  assert.equal((await c.io.in('everywhere').fetchSockets()).length, SERVERS);
  c.io.in(a.socket.id).socketsLeave('everywhere');
  await waitFor('one to have left', () => !a.socket.rooms.has('everywhere'));
  assert.equal((await b.io.in('everywhere').fetchSockets()).length, SERVERS - 1);

  // Of one server to another: first who is in the room, then what is said there.
  a.io.in([b.socket.id]).socketsJoin('late');
  a.io.emit('end');
  await waitFor('the end', () => b.heard.length > 0);
  assert.ok(b.socket.rooms.has('late'), 'the broadcast came before the join that was sent first');
  apps.forEach((app) => { app.heard.length = 0; });
}

async function betweenServers(apps) {
  const [a, b, c] = apps;
  const heard = [];
  apps.forEach(({ io }, i) => {
    io.on('plain', (...args) => heard.push([i, ...args]));
    io.on('question', (n, answer) => answer(`${n} from ${i}`));
  });
  a.io.serverSideEmit('plain', 'x', 1);
  await waitFor('two servers to hear it', () => heard.length >= 2);
  assert.deepEqual(sorted(heard.map(String)), ['1,x,1', '2,x,1']);
  assert.deepEqual(sorted(await a.io.serverSideEmitWithAck('question', 5)), ['5 from 1', '5 from 2']);
  assert.deepEqual(sorted(await c.io.serverSideEmitWithAck('question', 6)), ['6 from 0', '6 from 1']);
  assert.equal(await b.io.of('/').adapter.serverCount(), SERVERS);
}

async function emitter(apps, places, { clients, isSharded }) {
  if (isSharded) return; // the emitter speaks to the classic adapter alone
  const driver = await library(clients).open(places[2]);
  try {
    const outside = new Emitter(driver.client);
    outside.emit('from outside', { n: 1 });
    await hear(apps, Array(SERVERS).fill([['from outside', { n: 1 }]]));
    outside.to(apps[1].socket.id).emit('to one');
    outside.socketsJoin('emitted');
    outside.to('emitted').emit('to a room');
    await hear(apps, [[['to a room']], [['to one'], ['to a room']], [['to a room']]]);
  } finally {
    driver.drop();
  }
}

async function disconnecting(apps) {
  const [a, b, c] = apps;
  const reasons = apps.map(({ client }) => new Promise((resolve) => { client.once('disconnect', resolve); }));
  a.io.in(c.socket.id).disconnectSockets();
  assert.equal(await within(MS, 'one to be disconnected', reasons[2]), 'io server disconnect');
  await waitFor('two sockets to be left', async () => (await b.io.fetchSockets()).length === SERVERS - 1);
  b.io.disconnectSockets(true);
  await within(MS, 'all to be disconnected', Promise.all(reasons));
  await waitFor('no sockets to be left', async () => (await c.io.fetchSockets()).length === 0);
}

/** Servers that come and go while the others ask: a server that has left must not be waited for. */
async function comingAndGoing(apps, places, kind) {
  const late = await App.start(places[0], kind);
  try {
    await acquainted([...apps, late]);
    assert.deepEqual((await late.io.serverSideEmitWithAck('question', 1)).length, SERVERS);
  } finally {
    await late.stop();
  }
  await acquainted(apps);
  assert.deepEqual(sorted(await apps[0].io.serverSideEmitWithAck('question', 2)), ['2 from 1', '2 from 2']);
}

const CHECKS = {
  broadcast, rooms, acknowledgements, 'sockets of other servers': remoteSockets, 'events between servers': betweenServers, emitter,
  'servers that come and go': comingAndGoing, disconnecting,
};
const classic = (pub, sub) => createAdapter(pub, sub);
const sharded = (pub, sub) => createShardedAdapter(pub, sub);
const specific = (pub, sub) => createAdapter(pub, sub, { publishOnSpecificResponseChannel: true });
const sails = (pubClient, subClient) => createSailsAdapter({ pubClient, subClient });
const KINDS = [
  { name: 'the classic adapter', clients: 'ioredis 5', adapter: classic },
  { name: 'the classic adapter', clients: 'node-redis 4', adapter: classic },
  { name: 'the classic adapter, responses on a channel each', clients: 'node-redis 3', adapter: specific },
  { name: 'the classic adapter', clients: 'ioredis 6', adapter: classic },
  { name: 'the sharded adapter', clients: 'ioredis 5', adapter: sharded, isSharded: true },
  { name: 'the sharded adapter', clients: 'node-redis 5', adapter: sharded, isSharded: true },
  { name: 'the sharded adapter', clients: 'node-redis 6', adapter: sharded, isSharded: true },
  { name: 'the adapter of Sails', clients: 'node-redis 3', adapter: sails, count: numSub, checks: { broadcast, rooms } },
].filter(({ clients }) => library(clients));

/** Runs `body` with a server beside each place, once their adapters know of each other, and a client at each of them. */
async function withApps(places, kind, body) {
  const apps = [];
  try {
    for (const place of places) apps.push(await App.start(place, kind));
    await acquainted(apps, kind.count);
    for (const app of apps) await app.join();
    await body(apps);
  } finally {
    await Promise.all(apps.map((app) => app.stop()));
  }
}

test('Socket.IO', (t) => withRedisNodes(SERVERS, {}, async (places) => {
  for (const kind of KINDS) {
    await t.test(`${kind.name} with ${kind.clients}`, (inner) => withApps(places, kind, async (apps) => {
      for (const [name, check] of Object.entries(kind.checks ?? CHECKS)) await inner.test(name, () => check(apps, places, kind));
    }));
  }
}));
