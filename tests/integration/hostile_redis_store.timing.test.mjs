// Clients of Redis that do harm by the keys of a realm, and faults of the mesh at a bad moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { withCluster } from '../support/js/cluster.mjs';
import { parts } from '../support/js/http.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { withRedisMesh } from '../support/js/redis_mesh.mjs';
import { Brute, crowd, withRedisVictim } from '../support/js/redis_victim.mjs';
import { RespSocket, command } from '../support/js/resp.mjs';
import { waitFor, within } from '../support/js/wait.mjs';
import { freeze } from '../support/js/freeze.mjs';

const MIB = 1024 * 1024;
const STORE = ['--redis-store-bytes', String(128 * MIB)];
const MS = 20_000;

/** Writes requests in one write, and answers the elements that come, as text. */
async function say(place, requests, count = requests.length) {
  const socket = new RespSocket(place);
  try {
    socket.write(Buffer.concat(requests.map((request) => command(...request.split(' ')))));
    return (await within(MS, 'the replies', socket.elements(count))).join('');
  } finally {
    socket.drop();
  }
}

/** Fills a node with so many keys. */
async function fill(place, count, name = (i) => `key:${i}`) {
  const brute = new Brute(place);
  for (let i = 0; i < count; i += 1_000) {
    await brute.write(Buffer.concat(Array.from({ length: 1_000 }, (_, k) => command('SET', name(i + k), 'v'))));
  }
  await waitFor('all to be written', () => brute.received === count * 5, { ms: MS });
  brute.drop();
}

describe('the work and memory of one client', () => {
  test('MGET that multiplies a value is refused', () => withRedisVictim({ args: STORE }, async (victim) => {
    const brute = new Brute(victim.place);
    await brute.ask('SET', 'big', 'x'.repeat(MIB - 8192));
    await victim.bears('MGET', async () => {
      await brute.ask('MGET', ...Array(2_000).fill('big'));
      assert.match(brute.tail, /^-ERR the values are more than/);
    }, { megabytes: 64 });
    brute.drop();
  }));

  test('patterns of many stars and bytes are refused by KEYS and SCAN', () => withRedisVictim({ args: STORE }, async (victim) => {
    await fill(victim.place, 20_000);
    await victim.bears('patterns', async () => {
      const brute = new Brute(victim.place);
      for (const words of [['KEYS', `${'*'.repeat(100_000)}z`], ['SCAN', '0', 'MATCH', `${'*a'.repeat(40)}z`]]) {
        await brute.ask(...words);
        assert.match(brute.tail, /^-ERR the pattern has more than/);
      }
      brute.drop();
    });
  }));

  test('commands that go through all keys have a turn each', () => withRedisVictim({ args: STORE }, async (victim) => {
    await fill(victim.place, 200_000);
    await victim.bears('KEYS and FLUSHDB', async () => {
      const brutes = await crowd(victim.place, 20);
      for (const brute of brutes) brute.write(Buffer.concat(Array.from({ length: 5 }, () => command('KEYS', 'zz*'))));
      await waitFor('all to be answered', () => brutes.every(({ received }) => received === 5 * 4), { ms: MS });
      for (const brute of brutes) brute.write(Buffer.concat(Array.from({ length: 20 }, () => command('FLUSHDB'))));
      await waitFor('all to be answered', () => brutes.every(({ received }) => received === 5 * 4 + 20 * 5), { ms: MS });
      for (const brute of brutes) brute.drop();
    }, { megabytes: 128 });
  }));

  test('many that append to large values in one turn cost the values once', () => withRedisVictim({ args: STORE }, async (victim) => {
    const brutes = await crowd(victim.place, 20);
    await Promise.all(brutes.map((brute, i) => brute.ask('SET', `big:${i}`, 'x'.repeat(MIB - 16_384))));
    await victim.bears('APPEND', async () => {
      for (const [i, brute] of brutes.entries()) {
        brute.received = 0;
        brute.write(Buffer.concat(Array.from({ length: 100 }, () => command('APPEND', `big:${i}`, 'y'))));
      }
      await waitFor('all to be answered', () => brutes.every(({ received }) => received >= 100 * 10), { ms: MS });
    }, { megabytes: 256 });
    for (const brute of brutes) brute.drop();
  }));

  test('keys that are written and deleted again do not use up the memory', () => withRedisVictim({ args: ['--redis-store-bytes', String(16 * MIB)] }, async (victim) => {
    const brute = new Brute(victim.place);
    const pairs = 200_000;
    for (let i = 0; i < pairs; i += 1_000) {
      await brute.write(Buffer.concat(Array.from({ length: 1_000 }, (_, k) =>
        Buffer.concat([command('SET', `session:${i + k}`, 'v', 'EX', '1000'), command('DEL', `session:${i + k}`)]))));
    }
    await waitFor('all to be done', () => brute.received === pairs * (5 + 4), { ms: MS });
    assert.match(await brute.ask('SET', 'k', 'v'), /^\+OK/);
    assert.match(await brute.ask('DBSIZE'), /:1\r\n$/);
    assert.ok(await victim.node.metric('tulle_redis_store_bytes') < 6 * MIB);
    assert.ok(await victim.node.metric('tulle_redis_store_forgotten_total') > 0);
    brute.drop();
  }));
});

/** Runs `body` with nodes that have the open realm without keys, and the realms `shop` and `stock` with keys. */
async function withRealms(count, body) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-redis-realms-'));
  const file = path.join(directory, 'redis.toml');
  const realm = (name) => ['[[redis_realms]]', `name = "${name}"`, 'secret = "0123456789abcdef"', 'store_bytes = 1048576'];
  await fs.writeFile(file, ['redis_listen = "127.0.0.1:0"', '[[redis_realms]]', 'name = "default"', ...realm('shop'), ...realm('stock'), ''].join('\n'), { mode: 0o600 });
  try {
    await withCluster(count, { args: ['--config', file] }, async (cluster) => {
      await cluster.ready();
      await body(cluster.nodes.map((node) => {
        const { host, port } = parts(node.ports.redis);
        return { host, port: Number(port), node };
      }));
    });
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

/** Runs `body` while a node does not run, and answers what `body` does. */
async function whileFrozen({ node }, body) {
  await freeze(node.program.pid);
  try {
    return await body();
  } finally {
    process.kill(node.program.pid, 'SIGCONT');
  }
}

/** Resolves when the node has done so many commands of its clients; the replies may be under way. */
const commandsDone = ({ node }, count) => waitFor(`${count} commands to be done`, async () => (
  await node.metric('tulle_redis_commands_total') >= count), { ms: MS });

describe('bad moments', () => {
  test('a client that changes its realm between MULTI and EXEC is told that the other realm keeps no keys', () => withRealms(1, async ([place]) => {
    const replies = await say(place, ['AUTH shop 0123456789abcdef', 'MULTI', 'AUTH default x', 'GET a', 'EXEC', 'PING'], 6);
    assert.match(replies, /\*2\r\n\+OK\r\n-ERR unknown command 'GET'/);
    assert.match(replies, /\+PONG\r\n$/);
  }));

  test('writes in two realms wait for the nodes each for itself', () => withRealms(2, async ([place, frozen]) => {
    await whileFrozen(frozen, async () => {
      const socket = new RespSocket(place);
      const timed = async (...requests) => {
        const begun = performance.now();
        socket.write(Buffer.concat(requests.map((request) => command(...request.split(' ')))));
        socket.due = (socket.due ?? 0) + requests.length;
        await within(MS, 'the replies', socket.elements(socket.due));
        return performance.now() - begun;
      };
      assert.ok(await timed('AUTH shop 0123456789abcdef', 'SET a 1') > 15);
      assert.ok(await timed('AUTH stock 0123456789abcdef', 'SET a 1') > 15, 'not answered by the gate of the other realm');
      socket.drop();
    });
  }));

  test('a message does not overtake the reply to a write', () => withRedisNodes(2, { args: STORE }, async ([place, frozen]) => {
    await whileFrozen(frozen, async () => {
      const publisher = new Brute(place);
      for (let i = 0; i < 10; ++i) {
        const socket = new RespSocket(place);
        socket.write(Buffer.concat([command('SET', 'a', 'b'), command('SUBSCRIBE', 'ch')]));
        for (let k = 0; k < 20; ++k) publisher.write(command('PUBLISH', 'ch', 'x'));
        const elements = await within(MS, 'the replies', socket.elements(2));
        assert.match(elements.join(''), /^\+OK\r\n\*3\r\n\$9\r\nsubscribe/);
        socket.drop();
      }
      publisher.drop();
    });
  }));

  test('a node that leaves answers a write that it has done', () => withRedisNodes(2, { args: STORE }, async ([place, frozen]) => {
    await whileFrozen(frozen, async () => {
      const brute = new Brute(place);
      await brute.ask('PING');
      brute.tail = '';
      await brute.write(command('SET', 'a', 'b'));
      await commandsDone(place, 2);
      process.kill(place.node.program.pid, 'SIGTERM');
      await within(MS, 'the end of the connection', brute.closed);
      assert.match(brute.tail, /^\+OK\r\n/);
    });
  }));

  test('a node that leaves waits for what the owner of a key answers', () => withRedisNodes(2, { args: STORE }, async ([place, frozen]) => {
    const brutes = await whileFrozen(frozen, async () => {
      const waiting = [];
      // Some of the keys belong to the node that stands still.
      for (let i = 0; i < 16; ++i) {
        const brute = new Brute(place);
        await brute.ask('PING');
        brute.tail = '';
        await brute.write(command('INCR', `counter-${i}`));
        waiting.push(brute);
      }
      await commandsDone(place, 32);
      process.kill(place.node.program.pid, 'SIGTERM');
      const isLeaving = async () => (await fetch(`http://${place.node.ports.admin}/ready`)).status === 503;
      await waitFor('the node to leave', isLeaving, { ms: MS });
      return waiting;
    });
    for (const brute of brutes) {
      await within(MS, 'the end of the connection', brute.closed);
      assert.match(brute.tail, /^:1\r\n/);
    }
  }));

  test('a node is not ready for an orchestrator before it has the keys', () => withRedisMesh(2, async ([first, second]) => {
    await second.node.kill();
    await fill(first, 50_000);
    const begun = second.restart();
    const isReady = async () => (await fetch(`http://${second.node.addresses.admin}/ready`)).status === 200;
    await waitFor('the node to be ready', isReady, { ms: MS });
    assert.equal(await second.node.metric('tulle_redis_store_keys'), 50_000);
    await begun;
  }, { args: STORE }));
});
