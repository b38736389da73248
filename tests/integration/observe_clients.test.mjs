// Who is connected, asked at any node for the whole mesh, and closing connections: /v1/channels, /v1/presence, /v1/conns and the
// commands tulle channels, presence, conns and top.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RawClient, server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { parts, request } from '../support/js/http.mjs';
import { binary, run } from '../support/js/process.mjs';
import { RespSocket, command } from '../support/js/resp.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const tokens = { read: randomBytes(24).toString('hex'), operate: randomBytes(24).toString('hex') };
const JSON_BODY = { 'Content-Type': 'application/json' };
let cluster;
let nodes;
let tokenFile;

before(async () => {
  cluster = await Cluster.create(3, { topology: 'all', planned: true });
  ({ nodes } = cluster);
  const config = path.join(cluster.directory, 'redis.toml');
  await fs.writeFile(config, 'redis_listen = "127.0.0.1:0"\n[[redis_realms]]\nname = "default"\n', { mode: 0o600 });
  tokenFile = path.join(cluster.directory, 'admin.tokens');
  await fs.writeFile(tokenFile, `ops operate ${tokens.operate}\nlook read ${tokens.read}\n`, { mode: 0o600 });
  for (const node of nodes) {
    node.args = [...node.args, '--config', config, '--shards', '2', '--admin-token-file', tokenFile];
    node.adminHeaders = { Authorization: `Bearer ${tokens.operate}` };
  }
  await cluster.start();
});
after(() => cluster?.stop());

const ask = (node, target, { token = tokens.operate, method = 'GET' } = {}) => request(node.ports.admin, target,
  { method, headers: { Authorization: `Bearer ${token}`, ...(method === 'POST' ? JSON_BODY : {}) } });
async function get(node, target) {
  const { status, body } = await ask(node, target);
  assert.equal(status, 200, `${target}: ${body}`);
  return JSON.parse(body);
}
async function kick(node, query) {
  const { status, body } = await ask(node, `/v1/conns/kick?${query}`, { method: 'POST' });
  assert.equal(status, 200, body);
  return JSON.parse(body);
}
const tulle = (node, ...args) => run('tulle', [...args, '--admin', node.ports.admin, '--token-file', tokenFile]);

async function opened(node, ...channels) {
  const raw = await new RawClient(node).open();
  for (const channel of channels) {
    raw.send({ event: 'pusher:subscribe', data: { channel } });
    await raw.next('pusher_internal:subscription_succeeded');
  }
  return raw;
}
/** A client that is on a presence channel as this user. */
async function present(node, channel, user) {
  const raw = await opened(node);
  const { auth, channel_data } = server(node).authorizeChannel(raw.socketId, channel, { user_id: user });
  raw.send({ event: 'pusher:subscribe', data: { channel, auth, channel_data } });
  await raw.next('pusher_internal:subscription_succeeded');
  return raw;
}
/** Runs `body` with clients that are dropped afterwards, and waits until no node has them any more. */
async function withOpen(opening, body) {
  const clients = await Promise.all(opening);
  try {
    await body(...clients);
  } finally {
    clients.forEach((client) => client.drop());
    await waitFor('the clients to be gone', async () => (await get(nodes[0], '/v1/conns')).total === 0);
  }
}

describe('what any node tells of the whole mesh', () => {
  test('connections, by each condition and in each order', () => withOpen(
    [opened(nodes[0], 'news', 'sport'), opened(nodes[1], 'news'), present(nodes[2], 'presence-room', 'ann'), opened(nodes[2])],
    async (first, second, third, fourth) => {
      const ids = async (query) => (await get(nodes[1], `/v1/conns?${query}`)).connections.map(({ id }) => id);
      const all = await get(nodes[1], '/v1/conns?sort=subscriptions');
      assert.deepEqual([all.total, all.more, all.missing], [4, false, []]);
      assert.deepEqual(all.nodes, [{ name: 'n1', connections: 1 }, { name: 'n2', connections: 1 }, { name: 'n3', connections: 2 }]);
      const { age_ms: age, ...row } = all.connections[0];
      assert.deepEqual(row, { node: 'n1', id: first.socketId, kind: 'pusher', app: 'app-id', address: '127.0.0.1', subscriptions: 2, outbox: 0, received: 2 });
      assert.ok(age < 60_000);
      assert.deepEqual(await ids('sort=newest&limit=4').then((found) => found.toSorted()), [first, second, third, fourth].map(({ socketId }) => socketId).toSorted());
      assert.deepEqual(await ids('channel=news&node=n2'), [second.socketId]);
      assert.deepEqual(await ids('user=ann'), [third.socketId]);
      assert.deepEqual(await ids('user=bob'), []);
      assert.deepEqual(await ids('channel=news&sort=subscriptions&limit=1&offset=1'), [second.socketId]);
      assert.equal((await get(nodes[0], '/v1/conns?limit=1')).more, true);
      assert.equal((await get(nodes[0], '/v1/conns?address=127.0.0.1&app=app-id')).total, 4);
      assert.equal((await get(nodes[0], '/v1/conns?address=127.0.0.2')).total, 0);
      assert.equal((await get(nodes[0], '/v1/conns?user=ann')).connections[0].user, 'ann');

      const one = await get(nodes[2], `/v1/conns/${first.socketId}`);
      assert.deepEqual([one.node, one.id, one.channels], ['n1', first.socketId, ['news', 'sport']]);
    }));

  test('channels and users', () => withOpen(
    [opened(nodes[0], 'news', 'a'), opened(nodes[1], 'news'), present(nodes[0], 'presence-room', 'ann'), present(nodes[1], 'presence-room', 'ann'), present(nodes[2], 'presence-room', 'bob')],
    async () => {
      // A node hears of the users of others a moment after they are on the channel.
      await waitFor('all users to be known', async () =>
        (await get(nodes[2], '/v1/channels?prefix=presence')).channels[0].users === 2);
      const { channels, more, exact } = await get(nodes[2], '/v1/channels');
      assert.deepEqual(channels, [{ app: 'app-id', name: 'a', subscribers: 1 }, { app: 'app-id', name: 'news', subscribers: 2 },
        { app: 'app-id', name: 'presence-room', subscribers: 3, users: 2 }]);
      assert.deepEqual([more, exact], [false, true]);
      assert.deepEqual((await get(nodes[1], '/v1/channels?prefix=pres&app=app-id')).channels.map(({ name }) => name), ['presence-room']);
      const first = await get(nodes[1], '/v1/channels?sort=subscribers&limit=1');
      assert.deepEqual([first.channels[0].name, first.more], ['presence-room', true]);
      assert.deepEqual((await get(nodes[1], '/v1/channels?node=n3')).channels.map(({ name }) => name), ['presence-room']);
      const room = await get(nodes[2], '/v1/presence?app=app-id&channel=presence-room');
      assert.deepEqual(room.users, [{ id: 'ann', nodes: ['n1', 'n2'] }, { id: 'bob', nodes: ['n3'] }]);
      assert.deepEqual([room.total, room.subscribers, room.more], [2, 3, false]);
      assert.equal((await get(nodes[2], '/v1/presence?app=app-id&channel=presence-room&limit=1')).more, true);
    }));

  test('clients of Redis, by a number that names the node', () => withOpen([opened(nodes[1])], async () => {
    const { host, port } = parts(nodes[2].ports.redis);
    const socket = new RespSocket({ host, port: Number(port) });
    try {
      socket.write(Buffer.concat([command('CLIENT', 'SETNAME', 'worker'), command('SUBSCRIBE', 'jobs')]));
      await socket.elements(2);
      const row = (await get(nodes[0], '/v1/conns?sort=subscriptions')).connections[0];
      assert.deepEqual([row.kind, row.app, row.node, row.user, row.subscriptions, row.received], ['redis', 'default', 'n3', 'worker', 1, undefined]);
      assert.match(row.id, /^\d+@n3$/);
      assert.deepEqual((await get(nodes[1], `/v1/conns/${row.id}`)).channels, ['jobs']);
      // What is asked about an app is not about them.
      assert.equal((await get(nodes[0], '/v1/conns?app=app-id')).total, 1);
      assert.equal((await kick(nodes[0], `socket=${row.id}`)).closed, 1);
      await waitFor('the client of Redis to be gone', async () => (await get(nodes[0], '/v1/conns')).total === 1);
    } finally {
      socket.drop();
    }
  }));

  test('a node that does not answer is named', () => withOpen([opened(nodes[0])], async () => {
    await freeze(nodes[2].program.pid);
    try {
      assert.deepEqual((await get(nodes[0], '/v1/conns?timeout_ms=300')).missing, ['n3']);
      const { code, stdout, stderr } = await tulle(nodes[0], 'conns', 'ls', '--timeout', '0.3');
      assert.equal(code, 1);
      assert.match(stdout, /n1 +pusher/);
      assert.match(stderr, /n3 has not answered/);
    } finally {
      nodes[2].program.kill('SIGCONT');
    }
    await waitFor('all nodes to answer', async () => (await get(nodes[0], '/v1/conns?timeout_ms=500')).missing.length === 0
      && (await nodes[0].stateOf('n3')) === 'alive');
  }));
});

describe('closing', () => {
  test('by id, user and address, to come again or to stay away', () => withOpen(
    [opened(nodes[0]), present(nodes[1], 'presence-room', 'ann'), present(nodes[2], 'presence-room', 'ann'), opened(nodes[2], 'news'), opened(nodes[1])],
    async (first, second, third, fourth, fifth) => {
      assert.deepEqual(await kick(nodes[2], `socket=${first.socketId}`),
        { closed: 1, ids: [first.socketId], more: false, nodes: [{ name: 'n1', closed: 1 }, { name: 'n2', closed: 0 }, { name: 'n3', closed: 0 }], missing: [] });
      assert.equal((await first.end()).code, 4200);
      const ofUser = await kick(nodes[0], 'user=ann&reconnect=no');
      assert.equal(ofUser.closed, 2);
      for (const raw of [second, third]) {
        assert.equal((await raw.next('pusher:error')).data.code, 4009);
        assert.equal((await raw.end()).code, 4009);
      }
      assert.equal((await kick(nodes[0], 'address=127.0.0.1&node=n2')).closed, 1);
      assert.equal((await fifth.end()).code, 4200);
      assert.equal((await kick(nodes[0], 'address=127.0.0.9')).closed, 0);
      // Whoever was not meant is served as before.
      await server(nodes[0]).trigger('news', 'e', { n: 1 });
      assert.equal((await fourth.next('e')).channel, 'news');
      assert.equal(await nodes[1].metric('tulle_clients_kicked_total'), 2);
      await nodes[1].says('connections closed by an operator: 1');
    }));

  test('as many at a time as the order says', () => withOpen([1, 2, 3, 4, 5].map(() => opened(nodes[0])), async () => {
    let left = 5;
    for (let orders = 0; left > 0 && orders < 5; ++orders) {
      const { closed, more } = await kick(nodes[1], 'address=127.0.0.1&limit=1');
      assert.ok(closed >= 1 && closed <= 2, 'one for each shard');
      left -= closed;
      assert.equal(more, left > 0);
    }
    assert.equal(left, 0);
  }));
});

describe('wrong questions', () => {
  test('are told what is wrong', async () => {
    for (const [target, what] of [
      ['/v1/conns?limit=0', /limit must be a number from 1 to 1000/],
      ['/v1/conns?limit=1001', /limit/],
      ['/v1/conns?limit=600&offset=600', /together/],
      ['/v1/conns?sort=name', /sort must be outbox/],
      ['/v1/conns?address=here', /IP address/],
      ['/v1/conns?adress=10.0.0.1', /does not know/],
      ['/v1/conns?user=a&user=b', /twice/],
      ['/v1/conns?user=%FF', /UTF-8/],
      ['/v1/channels?sort=outbox', /name or subscribers/],
      ['/v1/presence?app=app-id', /must be given/],
      ['/v1/presence?app=app-id&channel=news', /presence channel/],
      ['/v1/channels?timeout_ms=20000', /timeout_ms/],
    ]) {
      const { status, body } = await ask(nodes[0], target);
      assert.equal(status, 400, target);
      assert.match(JSON.parse(body).error, what);
    }
    for (const target of ['/v1/conns?node=n9', '/v1/conns?app=none', '/v1/conns/1.1']) {
      assert.equal((await ask(nodes[0], target)).status, 404, target);
    }
    for (const query of ['', '?app=app-id', '?node=n1', '?user=ann&adress=10.0.0.1']) {
      assert.equal((await ask(nodes[0], `/v1/conns/kick${query}`, { method: 'POST' })).status, 400, query);
    }
    assert.equal((await ask(nodes[0], '/v1/conns/kick?user=ann')).status, 405);
    assert.equal((await ask(nodes[0], '/v1/conns/1.1', { method: 'POST' })).status, 405);
  });

  test('and the scope of the token decides', async () => {
    for (const target of ['/v1/channels', '/v1/presence?app=app-id&channel=presence-room', '/v1/conns']) {
      assert.equal((await ask(nodes[0], target, { token: tokens.read })).status, 200, target);
      assert.equal((await request(nodes[0].ports.admin, target)).status, 401, target);
    }
    assert.equal((await request(nodes[0].ports.admin, '/v1/conns/1.1')).status, 401);
    assert.equal((await ask(nodes[0], '/v1/conns/kick?user=ann', { token: tokens.read, method: 'POST' })).status, 403);
    // A form of a web page could send a POST without a content type of its own.
    const headers = { Authorization: `Bearer ${tokens.operate}`, 'Content-Type': 'text/plain' };
    assert.equal((await request(nodes[0].ports.admin, '/v1/conns/kick?user=ann', { method: 'POST', headers })).status, 415);
  });
});

describe('the commands', () => {
  test('show and close', () => withOpen([opened(nodes[0], 'news'), present(nodes[1], 'presence-room', 'ann')], async (first, second) => {
    const channels = await tulle(nodes[2], 'channels');
    assert.equal(channels.code, 0, channels.stderr);
    assert.match(channels.stdout, /^CHANNEL +APP +SUBSCRIBERS +USERS\nnews +app-id +1 +-\npresence-room +app-id +1 +1\n$/);
    assert.match((await tulle(nodes[2], 'presence', 'presence-room')).stdout, /^USER +NODES\nann +n2\n1 user, 1 connection\n$/);
    const list = await tulle(nodes[2], 'conns', 'ls', '--user', 'ann');
    assert.match(list.stdout, new RegExp(`^ID .*\n${second.socketId} +n2 +pusher +app-id +127.0.0.1 .* ann\n$`));
    assert.equal(JSON.parse((await tulle(nodes[2], 'conns', 'ls', '--json')).stdout).total, 2);
    assert.match((await tulle(nodes[2], 'conns', 'show', first.socketId)).stdout, /subscriptions +1\n {2}news\n$/);
    const kicked = await tulle(nodes[2], 'conns', 'kick', first.socketId, '--no-reconnect');
    assert.deepEqual([kicked.code, kicked.stdout], [0, 'closed 1 connection: 1 at n1\n']);
    assert.equal((await first.end()).code, 4009);
    for (const [args, code] of [[['conns', 'kick', '1.1'], 1], [['conns', 'kick'], 2], [['conns', 'show', '1.1'], 1], [['conns'], 2],
      [['conns', 'ls', '--sort', 'none'], 2], [['conns', 'ls', '--address', 'here'], 2], [['conns', 'ls', '--limit', '2000'], 2],
      [['presence', 'news'], 2], [['channels', '--node', 'n9'], 1], [['top'], 2], [['top', '--json'], 2]]) {
      assert.equal((await tulle(nodes[2], ...args)).code, code, args.join(' '));
    }
    assert.equal((await run('tulle', ['conns', 'ls', '--admin', '127.0.0.1:1'])).code, 3);
  }));

  test('top shows rates and connections', () => withOpen([opened(nodes[0], 'news'), opened(nodes[1], 'news')], async (first) => {
    const looking = tulle(nodes[2], 'top', '--once', '--delay', '1', '--sort', 'subscriptions', '--json');
    let stop = false;
    const publishing = (async () => {
      for (let n = 0; !stop; ++n) await server(nodes[0]).trigger('news', 'e', { n });
    })();
    const { code, stdout, stderr } = await looking.finally(() => { stop = true; });
    await publishing;
    assert.equal(code, 0, stderr);
    const { nodes: rows, connections } = JSON.parse(stdout);
    assert.deepEqual(rows.map(({ name, state, clients }) => [name, state, clients]), [['n1', 'serving', 1], ['n2', 'serving', 1], ['n3', 'serving', 0]]);
    const [n1, n2, n3] = rows;
    assert.ok(n1.published_per_second > 0 && n2.published_per_second === 0);
    assert.ok(n1.sent_per_second > 0 && n2.sent_per_second > 0 && n3.sent_per_second === 0);
    assert.ok(connections.some(({ id, node }) => id === first.socketId && node === 'n1'));
    const table = await tulle(nodes[2], 'top', '--once', '--delay', '0.2');
    assert.match(table.stdout, /^NODE +STATE +UPTIME .*\nn1 +serving .*\nn2 .*\nn3 .*\nall +3 [^]*\n\nID +NODE /);
  }));

  test('top draws on a terminal, follows its keys, and leaves the terminal as it was', () => withOpen([opened(nodes[0])], async () => {
    // Python's pty is the terminal.
    const program = spawn('python3', ['-c', 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))',
      binary('tulle'), 'top', '--delay', '0.2', '--admin', nodes[1].ports.admin, '--token-file', tokenFile]);
    try {
      let screen = '';
      program.stdout.on('data', (bytes) => { screen += bytes; });
      const ended = once(program, 'exit');
      for (const [key, shown] of [['o', 'o: order (outbox)'], ['n', 'o: order (subscriptions)'], ['d', 'n: connections (25)'], ['q', 'd: delay (1s)']]) {
        await waitFor(`the screen to show ${shown}`, () => screen.includes(shown));
        program.stdin.write(key);
      }
      assert.deepEqual(await within(5_000, 'the end of top', ended), [0, null]);
      assert.ok(screen.startsWith('\x1b[?1049h') && screen.endsWith('\x1b[?1049l'), JSON.stringify(screen.slice(-40)));
      assert.match(screen, /n2 +serving/);
    } finally {
      program.kill('SIGKILL');
    }
  }));
});
