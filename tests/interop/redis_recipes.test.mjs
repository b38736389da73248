// The recipes of node/doc/redis_recipes.md that need no keys: the blocks of that page, run as they stand there, with the address of a node put in.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MESH_KEY } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';
import { PYTHON, PYTHON_MS as MS, clientProgram, isAbsent } from '../support/js/python.mjs';
import { LIBRARIES, withDrivers } from '../support/js/redis_drivers.mjs';
import { IS_REDIS, withRedisNodes } from '../support/js/redis_edge.mjs';
import {
  KEEPS_KEYS, NEW, OLD, PAGE, SAILS_SDK, at, changesHostAlone, folder, hostAndPort, killedAndStarted, overSocket, staged,
} from '../support/js/redis_recipes.mjs';
import { Recipes } from '../support/js/recipes.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const recipes = await Recipes.read(PAGE, (heading) => !KEEPS_KEYS.includes(heading));
const [NODE, CLASSIC, SHARDED, EMITTER, CLUSTER, PM2, SAILS, CHANNELS, PYTHON_SOCKETIO, REVERB, SOKETI, SOCKUDO] = [
  'The node beside each server', 'Socket.IO', 'Socket.IO', 'Socket.IO', 'Node.js cluster and pm2', 'Node.js cluster and pm2', 'Sails',
  'Django Channels', 'python-socketio', 'Laravel Reverb', 'soketi', 'Sockudo',
].map((heading) => recipes.take(heading));

const withClients = (places, body) => withDrivers(LIBRARIES.find(({ name }) => name === 'ioredis 5'), places, body);

/** Until as many subscribe to the channel as there are servers: `kind` is '' or 'SHARD'. */
const subscribed = (place, channel, wanted, kind = '') => withClients([place], (driver) => waitFor(`${wanted} subscribers of ${channel}`, async () =>
  Number((await driver.call('PUBSUB', `${kind}NUMSUB`, channel))[1]) === wanted, { ms: MS }));

/** Until what each speaker says `when` is heard by all; `say(i, text)` has one of them say it, and may throw. */
async function together(when, heard, say) {
  for (let i = 0; i < heard().length; ++i) {
    const text = `${i}, ${when}`;
    await waitFor(`${text}, to be heard by all`, async () => {
      await say(i, text);
      return heard().every((texts) => texts.includes(text));
    }, { ms: MS, every: 100 });
  }
}

/** What one client says in a room is heard by all of them, once. */
async function chat(clients) {
  for (const client of clients) assert.equal(await client.timeout(MS).emitWithAck('join', 'news'), undefined);
  for (const [n, client] of clients.entries()) client.emit('say', 'news', `by ${n}`);
  const all = clients.map((_, n) => `by ${n}`);
  await waitFor('all to hear all', () => clients.every(({ heard }) => heard.length >= all.length));
  for (const client of clients) assert.deepEqual([...client.heard].sort(), all);
  for (const client of clients) assert.equal(await client.timeout(MS).emitWithAck('count'), clients.length);
  clients.forEach((client) => { client.heard.length = 0; });
}

test('the changes are of the address alone, where the page says so', () => {
  for (const block of [CLASSIC, EMITTER, SAILS, PYTHON_SOCKETIO, REVERB, SOKETI]) changesHostAlone(block);
  for (const block of [CLASSIC, EMITTER, SAILS, CHANNELS, PYTHON_SOCKETIO, SOCKUDO]) assert.ok(block.before.includes(OLD));
});

test('the node of the page starts', { skip: IS_REDIS }, async () => {
  const place = await folder({ 'mesh.key': `${MESH_KEY}\n` });
  await fs.chmod(path.join(place, 'mesh.key'), 0o600);
  const text = NODE.text.replace(/"10\.0\.0\.1:\d+"/g, '"127.0.0.1:0"').replace(NEW, '127.0.0.1:0')
    .replace('/etc/tulle/mesh.key', path.join(place, 'mesh.key'));
  await fs.writeFile(path.join(place, 'node.toml'), text, { mode: 0o600 });
  const { code, stdout, stderr } = await run('tulled', [
    '--config', path.join(place, 'node.toml'), '--check-config', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0',
  ]);
  assert.equal(code, 0, stdout + stderr);
});

test('Socket.IO, classic and sharded, on three nodes; and the emitter', () => staged(3, async (places, stage) => {
  for (const [kind, text] of [['', CLASSIC.after], ['SHARD', SHARDED.appliedTo(CLASSIC.after)]]) {
    const servers = [];
    for (const place of places) servers.push(await stage.server(CLASSIC.file, await folder({ [CLASSIC.file]: at(place, text) })));
    const clients = await Promise.all(servers.map((server) => stage.client(server)));
    await subscribed(places[0], kind ? 'socket.io#/#' : 'socket.io-request#/#', servers.length, kind);
    await chat(clients);
    if (!kind) {
      const worker = stage.start(EMITTER.file, { cwd: await folder({ [EMITTER.file]: at(places[1], EMITTER.after) }) });
      assert.equal((await within(MS, 'the worker to end', worker.ended)).code, 0);
      await waitFor('all to hear the worker', () => clients.every(({ heard }) => heard.length > 0));
      for (const client of clients) assert.deepEqual(client.heard.splice(0), ['by a worker']);
      await killedAndStarted(places);
      await subscribed(places[0], 'socket.io-request#/#', servers.length);
      await chat(clients);
    }
    await stage.end();
    await subscribed(places[0], kind ? 'socket.io#/#' : 'socket.io-request#/#', 0, kind);
  }
}));

test('Node.js cluster, and what pm2 makes of its file, at one node', () => staged(1, async ([place], stage) => {
  const cwd = await folder({
    [CLASSIC.file]: at(place, CLASSIC.after), [CLUSTER.file]: CLUSTER.text, [PM2.file]: PM2.text,
    'like_pm2.cjs': `const cluster = require('node:cluster');
      const [{ script, instances, exec_mode: mode }] = require('./${PM2.file}').apps;
      if (mode !== 'cluster') throw new Error(mode);
      cluster.setupPrimary({ exec: require('node:path').resolve(script) });
      for (let n = 0; n < instances; ++n) cluster.fork();`,
  });
  for (const file of [CLUSTER.file, 'like_pm2.cjs']) {
    const server = await stage.server(file, cwd);
    await subscribed(place, 'socket.io-request#/#', 3);
    const clients = [];
    for (let n = 0; n < 6; ++n) clients.push(await stage.client(server)); // they go round the workers
    await chat(clients);
    await stage.end();
    await subscribed(place, 'socket.io-request#/#', 0);
  }
}));

const SAILS_ROUTES = `{
  'PUT /join': (req, res) => sails.sockets.join(req, req.param('room'), () => res.ok()),
  'PUT /say': (req, res) => { sails.sockets.broadcast(req.param('room'), 'said', req.param('text')); res.ok(); },
  'PUT /move': (req, res) => sails.sockets.addRoomMembersToRooms(req.param('room'), req.param('to'), () => res.ok()),
  'PUT /blast': (req, res) => { sails.sockets.blast('said', req.param('text')); res.ok(); },
}`;
test('Sails: three apps on three nodes', () => staged(3, async (places, stage) => {
  const servers = [];
  for (const place of places) {
    servers.push(await stage.sails({ file: SAILS.file, text: at(place, SAILS.after), hooks: 'session: false', routes: SAILS_ROUTES }));
  }
  const clients = await Promise.all(servers.map((server) => stage.client(server, { query: SAILS_SDK })));
  await subscribed(places[0], 'socket.io#sails#', servers.length);
  const put = (client, url, data) => overSocket(client, 'put', url, data);
  const hear = async (what) => {
    await waitFor(`${what} to be heard`, () => clients.every(({ heard }) => heard.length > 0));
    for (const client of clients) assert.deepEqual(client.heard.splice(0), [what]);
  };
  for (const client of clients) await put(client, '/join', { room: 'news' });
  await put(clients[1], '/say', { room: 'news', text: 'to a room' });
  await hear('to a room');
  await put(clients[0], '/move', { room: 'news', to: 'others' });
  await waitFor('all to be in the other room', async () => {
    await put(clients[2], '/say', { room: 'others', text: 'again' });
    return clients.every(({ heard }) => heard.length > 0);
  }, { every: 100 });
  await put(clients[2], '/blast', { text: 'to all' });
  await waitFor('all to be heard', () => clients.every(({ heard }) => heard.at(-1) === 'to all'));
  await killedAndStarted(places);
  await together('after the death', () => clients.map(({ heard }) => heard), (n, text) => put(clients[n], '/say', { room: 'news', text }));
}));

const noChannels = isAbsent('channels, channels_redis.pubsub', 'python3-django-channels, python3-channels-redis');
test('Django Channels: a consumer at each of two nodes', { skip: noChannels }, () => staged(2, async (places, stage) => {
  const app = clientProgram('django_channels_app.py');
  const apps = [];
  for (const place of places) {
    const cwd = await folder({ [CHANNELS.file]: `${at(place, CHANNELS.after)}SECRET_KEY = "of a test"\n` });
    apps.push(stage.start(cwd, { args: [app], command: PYTHON, input: true }));
  }
  const lines = (program) => program.stdout.split('\n').slice(0, -1);
  await waitFor('the consumers', () => apps.every((program) => {
    if (program.hasEnded) throw new Error(program.output);
    return lines(program)[0] === 'in';
  }), { ms: MS });
  const speak = (when) => together(when, () => apps.map(lines), (n, text) => apps[n].say(text));
  await speak('at first'); // the layer does not tell when it is subscribed
  for (let n = 0; n < 50; ++n) apps[0].say(`line ${n}`);
  const all = Array.from({ length: 50 }, (_, n) => `line ${n}`);
  const said = (program) => lines(program).filter((line) => line.startsWith('line '));
  await waitFor('all lines', () => apps.every((program) => said(program).length >= all.length), { ms: MS });
  for (const program of apps) assert.deepEqual(said(program), all);
  await killedAndStarted(places);
  await speak('after the death');
}));

const noSocketIo = isAbsent('socketio, aiohttp, redis', 'python3-socketio, python3-aiohttp, python3-redis');
test('python-socketio: two servers on two nodes', { skip: noSocketIo }, () => staged(2, async (places, stage) => {
  const clients = [];
  for (const place of places) {
    const cwd = await folder({ [PYTHON_SOCKETIO.file]: at(place, PYTHON_SOCKETIO.after) });
    clients.push(await stage.client(await stage.server(PYTHON_SOCKETIO.file, cwd, { command: PYTHON })));
  }
  const speak = (when) => together(when, () => clients.map(({ heard }) => heard), (n, text) => clients[n].emit('say', text));
  await speak('at first');
  await killedAndStarted(places);
  await speak('after the death');
}));

/**
 * For programs that are not among the tests' packages: runs `body` with the two connections of a server at each of two nodes, if `address`, to
 * which the settings lead, is that of the node beside the server. `body` then does what the adapter of the program does.
 */
function withServers(address, body) {
  assert.equal(address, NEW);
  return withRedisNodes(2, {}, (places) => withClients(places.flatMap((place) => [place, place]), body));
}

test('Reverb: as many answers as receivers', () => {
  const { after: variables } = REVERB.variables;
  assert.equal(variables.REVERB_SCALING_ENABLED, 'true');
  return withServers(hostAndPort(variables, 'REDIS_'), async (pub1, sub1, pub2, sub2) => {
    await Promise.all([sub1, sub2].map((sub) => sub.subscribe('', 'reverb')));
    const receivers = await waitFor('both to be counted', async () => {
      const count = Number(await pub1.call('PUBLISH', 'reverb', 'probe'));
      return count === 2 && count;
    });
    await waitFor('the probes', () => [sub1, sub2].every(({ inbox }) => inbox.length > 0));
    for (const sub of [sub1, sub2]) sub.inbox.length = 0;
    assert.equal(Number(await pub2.call('PUBLISH', 'reverb', 'metrics?')), receivers);
    for (const pub of [pub1, pub2]) await pub.call('PUBLISH', 'reverb', 'metrics!');
    await waitFor('the answers', () => sub2.inbox.filter(([, text]) => text === 'metrics!').length === receivers);
  });
});

test('soketi: a channel and a pattern that covers it, at one connection', () => {
  const { after: variables } = SOKETI.variables;
  assert.equal(variables.SOKETI_ADAPTER_DRIVER, 'redis');
  return withServers(hostAndPort(variables, 'SOKETI_DB_REDIS_'), async (pub1, sub1, pub2, sub2) => {
    for (const sub of [sub1, sub2]) {
      await sub.subscribe('p', 'redis-adapter*');
      await sub.subscribe('', 'redis-adapter#comms#req', 'redis-adapter#comms#res');
    }
    assert.deepEqual(await pub1.call('PUBSUB', 'NUMSUB', 'redis-adapter#comms#req'), ['redis-adapter#comms#req', 2]);
    await pub2.call('PUBLISH', 'redis-adapter#comms#req', 'q');
    await pub2.call('PUBLISH', 'redis-adapter', 'event');
    const wanted = [['redis-adapter#comms#req', 'q'], ['redis-adapter#comms#req', 'q'], ['redis-adapter', 'event']];
    await waitFor('both copies', () => [sub1, sub2].every(({ inbox }) => inbox.length >= wanted.length));
    for (const sub of [sub1, sub2]) assert.deepEqual(sub.inbox, wanted);
  });
});

test('Sockudo: counts its nodes, and hears all of them', () => {
  const { after: variables } = SOCKUDO.variables;
  const { ADAPTER_DRIVER: adapter, CACHE_DRIVER: cache, QUEUE_DRIVER: queue, RATE_LIMITER_DRIVER: limiter, REDIS_URL: url } = variables;
  assert.deepEqual({ adapter, cache, queue, limiter }, { adapter: 'redis', cache: 'memory', queue: 'memory', limiter: 'memory' });
  return withServers(new URL(url).host, async (pub1, sub1, pub2, sub2) => {
    for (const [n, sub] of [sub1, sub2].entries()) {
      await sub.subscribe('', ...['#broadcast', '#requests', '#responses', `#node:${n}`].map((name) => `sockudo_adapter:${name}`));
    }
    assert.deepEqual(await pub2.call('PUBSUB', 'NUMSUB', 'sockudo_adapter:#requests'), ['sockudo_adapter:#requests', 2]);
    assert.equal(await pub1.ping(), 'PONG');
    await pub1.call('PUBLISH', 'sockudo_adapter:#broadcast', 'event');
    await pub1.call('PUBLISH', 'sockudo_adapter:#node:1', 'to one');
    await waitFor('the messages', () => sub1.inbox.length >= 1 && sub2.inbox.length >= 2);
    assert.deepEqual([sub1.inbox, sub2.inbox].map((inbox) => inbox.map(([, text]) => text)), [['event'], ['event', 'to one']]);
  });
});

test('every block of the page is taken by a test, or keeps keys', () => assert.deepEqual(recipes.left, []));
