// What nodes tell of their clients of Redis: metrics, status, tulle status, tulle redis, tulle doctor.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MESH_KEY, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { run } from '../support/js/process.mjs';
import { LIBRARIES } from '../support/js/redis_drivers.mjs';
import { RespSocket, command } from '../support/js/resp.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { freeze } from '../support/js/freeze.mjs';

const IOREDIS = LIBRARIES.find(({ name }) => name === 'ioredis 5');
const NODE_REDIS = LIBRARIES.find(({ name }) => name === 'node-redis 5');
const SHOP = { name: 'shop', secret: 'a-secret-of-the-shop' };
const OPEN = { name: 'default' };

/** The realms as a configuration file; without realms, the file of a node without redis_listen. */
function configOf(realms) {
  const tables = realms.map(({ name, secret, users }) => ['[[redis_realms]]', `name = "${name}"`,
    ...(secret ? [`secret = "${secret}"`] : []), ...(users ? [`users = ${JSON.stringify(users)}`] : []), ''].join('\n'));
  return realms.length ? `redis_listen = "127.0.0.1:0"\n${tables.join('\n')}` : '\n';
}

/** Runs `body` with a mesh: for each node, its realms. */
const withRealms = (realmsOfNodes, options, body) => withCluster(realmsOfNodes.length, { ...options, start: false }, async (cluster) => {
  for (const [i, node] of cluster.nodes.entries()) {
    const file = path.join(cluster.directory, `${node.name}.toml`);
    await fs.writeFile(file, configOf(realmsOfNodes[i]), { mode: 0o600 });
    node.args = ['--config', file];
  }
  await cluster.start();
  await body(cluster);
});

/** Where clients of a realm connect to. */
function place(node, { name, secret } = OPEN) {
  const { host, port } = parts(node.ports.redis);
  return { host, port: Number(port), url: `redis://${secret ? `${name}:${secret}@` : ''}${node.ports.redis}` };
}

/** The value of a metric with exactly these labels. */
async function metric(node, name, labels) {
  const { body } = await request(node.ports.admin, '/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`tulle_redis_${name}{${labels}} `));
  assert.ok(line, `${name}{${labels}} is missing`);
  return Number(line.slice(line.lastIndexOf(' ')));
}

const realmOf = async (node, name) => (await node.status()).redis.realms.find((realm) => realm.name === name);
const tulle = (node, what, ...args) => run('tulle', [what, '--admin', node.ports.admin, ...args]);

/** Runs `body` with clients that are dropped afterwards. */
async function withOpen(opening, body) {
  const clients = await Promise.all(opening);
  try {
    await body(...clients);
  } finally {
    clients.forEach((client) => client.drop());
  }
}

test('metrics and status follow the clients of each realm', () => withRealms([[OPEN, SHOP], [OPEN, SHOP]], {}, async ({ nodes: [n1, n2] }) => {
  await withOpen([IOREDIS.open(place(n1)), IOREDIS.open(place(n2)), NODE_REDIS.open(place(n1, SHOP))], async (subscriber, publisher, shopper) => {
    await subscriber.subscribe('', 'news', 'sport');
    await subscriber.subscribe('p', 'ne*');
    await subscriber.subscribe('s', 'shard');
    await shopper.subscribe('', 'news');
    for (const [realm, clients, channels, patterns, shards] of [['default', 1, 2, 1, 1], ['shop', 1, 1, 0, 0]]) {
      assert.equal(await metric(n1, 'clients', `realm="${realm}"`), clients);
      const kinds = { channels, patterns, shard_channels: shards };
      for (const [kind, count] of Object.entries(kinds)) {
        assert.equal(await metric(n1, 'subscriptions', `realm="${realm}",kind="${kind.slice(0, -1)}"`), count, `${realm} ${kind}`);
      }
      const told = await realmOf(n1, realm);
      assert.deepEqual([told.clients, told.subscriptions], [clients, kinds]);
    }
    for (let i = 0; i < 3; ++i) await publisher.call('PUBLISH', 'news', 'hello');
    await publisher.call('SPUBLISH', 'shard', 'hello');
    await waitFor('all messages', () => subscriber.inbox.length === 7);
    assert.equal(await metric(n2, 'publishes_total', 'realm="default"'), 4);
    assert.equal(await metric(n1, 'publishes_total', 'realm="default"'), 0);
    assert.equal(await metric(n1, 'deliveries_total', 'realm="default"'), 7);
    assert.equal(await metric(n1, 'deliveries_total', 'realm="shop"'), 0);
    assert.deepEqual(await publisher.call('PUBSUB', 'NUMSUB', 'news'), ['news', 1]);
    assert.equal(await metric(n2, 'questions_total', 'realm="default"'), 1);
    assert.equal(await metric(n2, 'questions_incomplete_total', 'realm="default"'), 0);
    await subscriber.unsubscribe('', 'sport');
    assert.equal((await realmOf(n1, 'default')).subscriptions.channels, 1);
  });
  await waitFor('the clients to be gone', async () => {
    const realms = [await realmOf(n1, 'default'), await realmOf(n1, 'shop'), await realmOf(n2, 'default')];
    return realms.every(({ clients, subscriptions: { channels, patterns, shard_channels: shards } }) => clients + channels + patterns + shards === 0);
  });
  assert.equal((await n1.status()).redis.listen, n1.ports.redis);
}));

test('a client is counted for its realm from AUTH on; errors and wrong passwords are counted', () => withRealms([[SHOP]], {}, async ({ nodes: [n1] }) => {
  const socket = new RespSocket(place(n1));
  try {
    socket.write(command('PING'));
    await socket.elements(1); // NOAUTH, of no realm
    assert.deepEqual([(await realmOf(n1, 'shop')).clients, (await realmOf(n1, 'shop')).errors_total], [0, 0]);
    socket.write(Buffer.concat([command('AUTH', 'shop', 'wrong'), command('AUTH', 'nobody', 'wrong'), command('AUTH', 'shop', SHOP.secret)]));
    await socket.elements(4);
    const before = await realmOf(n1, 'shop');
    assert.deepEqual([before.clients, before.commands_total, before.wrong_passwords_total, before.errors_total], [1, 1, 1, 0]);
    assert.equal(await n1.metric('tulle_auth_failures_total'), 2);
    socket.write(Buffer.concat([command('GET', 'key'), command('MULTI'), command('PUBLISH', 'x'.repeat(4_001), ''), command('EXEC'), command('SUBSCRIBE', 'a')]));
    await socket.elements(9);
    const after = await realmOf(n1, 'shop');
    // GET is unknown; the error of the PUBLISH is inside the reply of the EXEC.
    assert.deepEqual([after.commands_total, after.errors_total, after.subscriptions.channels], [6, 2, 1]);
    socket.write(command('RESET'));
    await socket.elements(10);
    assert.deepEqual([(await realmOf(n1, 'shop')).clients, (await realmOf(n1, 'shop')).subscriptions.channels], [0, 0]);
  } finally {
    socket.drop();
  }
}));

test('PUBSUB without a node that is late is counted', () => withRealms([[OPEN], [OPEN]], {}, async ({ nodes: [n1, n2] }) => {
  await withOpen([IOREDIS.open(place(n1)), IOREDIS.open(place(n2))], async (client, subscriber) => {
    await subscriber.subscribe('', 'news');
    // The nodes have met for certain when one counts the subscriber of the other.
    await waitFor('the subscriber to be counted', async () => (await client.call('PUBSUB', 'NUMSUB', 'news'))[1] === 1);
    await freeze(n2.program.pid);
    try {
      await client.call('PUBSUB', 'NUMSUB', 'news');
    } finally {
      process.kill(n2.program.pid, 'SIGCONT');
    }
    assert.equal(await metric(n1, 'questions_incomplete_total', 'realm="default"'), 1);
  });
}));

test('closes for lost messages are counted', () => withRealms([[OPEN], [OPEN]], {}, async ({ nodes: [n1, n2] }) => {
  const subscriber = new RespSocket(place(n2));
  await withOpen([IOREDIS.open(place(n1))], async (publisher) => {
    subscriber.write(command('SUBSCRIBE', 'news'));
    await subscriber.elements(1);
    await freeze(n2.program.pid);
    try {
      // 16 MiB are under way to a node that does not answer, the ring holds the last 64 MiB: what is between is lost.
      for (let i = 0; i < 120; ++i) await publisher.call('PUBLISH', 'news', 'x'.repeat(1_000_000));
    } finally {
      process.kill(n2.program.pid, 'SIGCONT');
    }
    await waitFor('the close to be counted', async () => (await realmOf(n2, 'default')).gap_closes_total === 1);
  });
  subscriber.drop();
}));

test('tulle status and tulle redis show the clients of Redis, tulle redis those of all nodes', () => withRealms([[OPEN, SHOP], [OPEN, SHOP], []], {}, async ({ nodes: [n1, n2, n3] }) => {
  assert.match(n1.log, new RegExp(`serves clients on ${n1.ports.listen} and those of Redis on ${n1.ports.redis}, the mesh on`));
  assert.doesNotMatch(n3.log, /Redis/);
  await withOpen([IOREDIS.open(place(n1)), IOREDIS.open(place(n2, SHOP))], async (client, shopper) => {
    await client.subscribe('', 'news');
    await shopper.call('PUBLISH', 'news', 'hello');
    const status = await tulle(n1, 'status');
    assert.match(status.stdout, new RegExp(`^Redis at ${n1.ports.redis}: realms 2, clients 1, subscriptions 1, publishes 0, deliveries 0, closes 0, keys 0$`, 'm'));
    assert.doesNotMatch((await tulle(n3, 'status')).stdout, /Redis/);
    // From any node, also from the one that has no Redis listener.
    for (const node of [n1, n3]) {
      const { code, stdout, stderr } = await tulle(node, 'redis');
      assert.equal(code, 0, stderr);
      assert.deepEqual(stdout.split('\n').map((line) => line.split(/ {2,}/)), [
        ['REALM', 'NODE', 'CLIENTS', 'SUBSCRIPTIONS', 'PUBLISHES', 'DELIVERIES', 'CLOSES', 'KEYS'],
        ['default', 'n1', '1', '1', '0', '0', '0', '-'], ['default', 'n2', '0', '0', '0', '0', '0', '-'],
        ['shop', 'n1', '0', '0', '0', '0', '0', '-'], ['shop', 'n2', '1', '0', '1', '0', '0', '-'],
        ['without redis_listen: n3'], ['']]);
    }
    const { nodes, missing } = JSON.parse((await tulle(n2, 'redis', '--json')).stdout);
    assert.deepEqual(nodes.map(({ name, listen }) => [name, listen]), [['n1', n1.ports.redis], ['n2', n2.ports.redis], ['n3', undefined]]);
    assert.deepEqual(missing, []);
    const shop = nodes[1].realms.find(({ name }) => name === 'shop');
    assert.deepEqual([shop.clients, shop.publishes_total, shop.has_secret], [1, 1, true]);
    await freeze(n2.program.pid);
    try {
      const late = await tulle(n1, 'redis', '--timeout', '0.2');
      assert.equal(late.code, 1, late.stdout);
      assert.match(late.stderr, /^tulle: n2 does not answer$/m);
    } finally {
      process.kill(n2.program.pid, 'SIGCONT');
    }
  });
  for (const node of [n1, n2]) {
    for (const target of ['/metrics', '/v1/status', '/v1/doctor']) {
      assert.ok(!(await request(node.ports.admin, target)).body.includes(SHOP.secret), `${target} shows no secret`);
    }
  }
}));

test('a node without redis_listen has no metric and no status of it, and redis says so', () => withRealms([[]], {}, async ({ nodes: [n1] }) => {
  assert.doesNotMatch((await request(n1.ports.admin, '/metrics')).body, /redis/);
  assert.ok(!('redis' in await n1.status()));
  const { code, stdout } = await tulle(n1, 'redis');
  assert.deepEqual([code, stdout], [0, 'no node has redis_listen\n']);
}));

/** "kind node: text" of what doctor says of Redis; a note has a question mark. */
async function findingsOfRedis(node) {
  const { findings } = JSON.parse((await tulle(node, 'doctor', '--json')).stdout);
  return findings.filter(({ kind }) => kind.includes('redis')).map(({ kind, severity, nodes, text }) =>
    `${kind}${severity === 'note' ? '?' : ''} ${nodes.join()}: ${text}`);
}

test('doctor is content with nodes of the same realms, and notes a node without redis_listen', () =>
  withRealms([[OPEN, { ...SHOP, users: ['a', 'b'] }], [{ ...SHOP, users: ['b', 'a'] }, OPEN], []], {}, async ({ nodes: [n1] }) => {
    assert.deepEqual(await findingsOfRedis(n1), ['no-redis? n3: has no redis_listen, and 2 other nodes have']);
    const { code, stdout } = await waitFor('the doctor to be content', async () => {
      const answer = await tulle(n1, 'doctor');
      return answer.code === 0 && answer;
    });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^note: n3 has no redis_listen, and 2 other nodes have$/m);
  }));

test('doctor names the nodes and the realms that differ', () => withRealms([
  [OPEN, SHOP, { name: 'stock', secret: 'a-secret-of-the-stock', users: ['stock', 'store'] }],
  [OPEN, { ...SHOP, secret: 'another-secret-of-it' }, { name: 'stock', secret: 'a-secret-of-the-stock' }],
  [OPEN, SHOP],
], {}, async ({ nodes: [n1, n2] }) => {
  for (const node of [n1, n2]) {
    assert.deepEqual(await findingsOfRedis(node), [
      "redis-secret n2: has another secret for the realm 'shop' than n1, n3",
      "redis-realm n3: has no realm 'stock' for clients of Redis, unlike n1, n2",
      "redis-users n2: has other users of the realm 'stock' than n1"]);
  }
  const { code, stdout } = await tulle(n1, 'doctor');
  assert.equal(code, 1);
  assert.match(stdout, /^wrong: n3 has no realm 'stock' for clients of Redis, unlike n1, n2$/m);
}));

test('without a mesh key, doctor compares names alone and says so', () => withRealms([[SHOP], [{ ...SHOP, secret: 'another-secret-of-it' }]], { keys: false }, async ({ nodes: [n1] }) => {
  assert.deepEqual(await findingsOfRedis(n1),
    ['redis-secrets? : users and secrets of the realms of Redis are not compared: not all nodes use one mesh key']);
  assert.ok(!(await request(n1.ports.admin, '/v1/doctor')).body.includes('digests'));
}));

test('the digests follow a change of the mesh key', () => withCluster(1, { start: false }, async (cluster) => {
  const { nodes: [n1], directory } = cluster;
  const next = path.join(directory, 'next.key');
  assert.equal((await run('tulle', ['keygen', '-o', next])).code, 0);
  const config = path.join(directory, 'node.toml');
  const write = (file) => fs.writeFile(config, `mesh_keys = ["${file}"]\n${configOf([SHOP])}`, { mode: 0o600 });
  await write(path.join(directory, 'mesh.key'));
  Object.assign(n1, { keys: [], args: ['--config', config] });
  await cluster.start();
  const before = (await n1.status()).redis;
  assert.equal(before.key, MESH_KEY.split(' ')[1]);
  assert.match(before.realms[0].digests.secret, /^[0-9a-f]{16}$/);
  await write(next);
  n1.program.kill('SIGHUP');
  const after = await waitFor('the new key', async () => {
    const { redis } = await n1.status();
    return redis.key !== before.key && redis;
  });
  assert.equal(after.key, (await fs.readFile(next, 'utf8')).split(' ')[1]);
  assert.notEqual(after.realms[0].digests.secret, before.realms[0].digests.secret);
}));

test('a subscriber that does not read is closed, and counted', () => withRealms([[OPEN]], {}, async ({ nodes: [n1] }) => {
  const subscriber = new RespSocket(place(n1));
  await withOpen([IOREDIS.open(place(n1))], async (publisher) => {
    subscriber.write(command('SUBSCRIBE', 'news'));
    await subscriber.elements(1);
    subscriber.socket.pause();
    // 32 MiB may wait, and the kernel has buffers of its own.
    await waitFor('the close to be counted', async () => {
      await publisher.call('PUBLISH', 'news', 'x'.repeat(1_000_000));
      return (await realmOf(n1, 'default')).slow_closes_total === 1;
    });
    const { clients, subscriptions, gap_closes_total: lost } = await realmOf(n1, 'default');
    assert.deepEqual([clients, subscriptions.channels, lost], [1, 0, 0]);
  });
  subscriber.drop();
}));
