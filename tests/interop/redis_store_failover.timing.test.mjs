// Sessions that are written at one node and read at another one, while node after node is killed and comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequire } from 'node:module';
import { withRedisMesh } from '../support/js/redis_mesh.mjs';
import { waitFor } from '../support/js/wait.mjs';

const Redis = createRequire(import.meta.url)('ioredis-5');
const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const KILLS = FULL ? 10 : 3;
const LEAST_SESSIONS = FULL ? 100_000 : 5_000;
const KILL_EVERY_MS = FULL ? 10_000 : 3_000;
const WORKERS = 12;
const STORE_BYTES = 256 << 20;

/** A connection that fails at once when its node is away, and comes back by itself. */
const connect = ({ host, port }) => {
  const client = new Redis({ host, port, maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 100 });
  client.on('error', () => {});
  return client;
};

/** The sum of a counter of the realm over the nodes that answer now. */
async function sum(places, counter) {
  const numbers = await Promise.all(places.map(({ node }) => node.metric(`tulle_redis_${counter}`).catch(() => 0)));
  return numbers.reduce((total, number) => total + number, 0);
}

/** Kills a node after the other, and starts each again. */
async function killNodes(places) {
  const begun = performance.now();
  for (let kills = 0; kills <= KILLS; ++kills) {
    await waitFor('the next kill', () => performance.now() >= begun + (kills + 1) * KILL_EVERY_MS, { ms: KILL_EVERY_MS + 10_000 });
    // After the last one all nodes are there for a while.
    if (kills === KILLS) return;
    const place = places[kills % places.length];
    place.isDown = true;
    await place.node.kill();
    await place.restart();
    place.isDown = false;
  }
}

test(`a session that is written at one node is seen at another at once, while a node is killed every ${KILL_EVERY_MS / 1000} s`, (t) =>
  withRedisMesh(3, async (places) => {
    const clients = places.map(connect);
    t.after(() => { for (const client of clients) client.disconnect(); });
    await waitFor('the clients to be ready', () => clients.every(({ status }) => status === 'ready'));
    const count = { written: 0, read: 0, deleted: 0, cut: 0, stale: [], back: [] };
    const alive = new Set();
    const gone = new Set();
    let next = 0;
    let isOver = false;
    const ready = () => clients.filter(({ status }, i) => status === 'ready' && !places[i].isDown);

    /** Does a command, and answers nothing when the node of the command went away: nobody knows then whether the command was done. */
    const attempt = async (client, ...args) => {
      try {
        return { value: await client.call(...args) };
      } catch (error) {
        if (!/closed|ECONN|isn't writeable|LOADING|Stream|ended|max retries/i.test(error.message)) throw error;
        ++count.cut;
        return undefined;
      }
    };

    const work = async (worker) => {
      while (!isOver) {
        const key = `sess:${next++}`;
        const nodes = ready();
        const [writer, reader, third] = [0, 1, 2].map((k) => nodes[(worker + k) % nodes.length]);
        if (!reader || !await attempt(writer, 'SET', key, key, 'EX', 3600)) continue;
        ++count.written;
        const read = await attempt(reader, 'GET', key);
        if (read && ++count.read && read.value !== key) count.stale.push(key);
        if (worker % 3 > 0) { alive.add(key); continue; }
        if (!await attempt(reader, 'DEL', key)) continue;
        ++count.deleted;
        gone.add(key);
        const after = await attempt(third, 'GET', key);
        if (after && after.value !== null) count.back.push(key);
      }
    };

    const working = Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
    await Promise.race([working, killNodes(places)]).finally(() => { isOver = true; });
    await working;
    const late = await sum(places, 'store_late_records_total');
    console.log(`# ${KILLS} kills: ${count.written} sessions written, ${count.read} read at another node, ${count.deleted} deleted, `
      + `${count.cut} commands cut off; ${count.stale.length} not seen at once, ${count.back.length} seen after their end; ${late} records late`);
    assert.ok(count.read >= LEAST_SESSIONS, 'the sessions are many');
    assert.ok(count.stale.length + count.back.length <= late, 'what was not seen at once was counted as late');

    // In the end every node has every session, and none of those that ended.
    await waitFor('all clients to be ready', () => ready().length === 3, { ms: 30_000 });
    await waitFor('the nodes to hold as many keys', async () => {
      const keys = await Promise.all(places.map(({ node }) => node.metric('tulle_redis_store_keys')));
      return keys.every((number) => number === keys[0]);
    }, { ms: 30_000, every: 100 });
    for (const client of clients) {
      const has = async (keys) => {
        const values = [];
        for (let i = 0; i < keys.length; i += 500) values.push(...await client.mget(keys.slice(i, i + 500)));
        return values.filter((value) => value !== null).length;
      };
      assert.equal(await has([...alive]), alive.size, 'no session is lost');
      assert.equal(await has([...gone]), 0, 'no session that ended is back');
    }
  }, { args: ['--redis-store-bytes', String(STORE_BYTES)] }));
