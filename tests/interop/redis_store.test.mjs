// The keys of the Redis edge as libraries use them, unmodified, at three nodes: sessions, caches, counters, limiters.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import sailsConnectRedis from '@sailshq/connect-redis';
import { RedisStore } from 'connect-redis';
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import session from 'express-session';
import { RedisStore as RateLimitRedis } from 'rate-limit-redis';
import { request } from '../support/js/http.mjs';
import { LIBRARIES, withDrivers } from '../support/js/redis_drivers.mjs';
import { IS_REDIS, STORE, withRedisNodes } from '../support/js/redis_edge.mjs';
import { withRedisMesh } from '../support/js/redis_mesh.mjs';
import { RespSocket, command, split } from '../support/js/resp.mjs';
import { Visitor } from '../support/js/visitor.mjs';
import { waitFor } from '../support/js/wait.mjs';

const require = createRequire(import.meta.url);
const { RateLimiterRedis } = require('rate-limiter-flexible');
const { Redis } = require('ioredis-5');
const DAY_S = 86_400;
const newest = (name) => LIBRARIES.filter((library) => library.name.startsWith(name)).at(-1);
const NODE_REDIS = newest('node-redis');
const IOREDIS = newest('ioredis');
const range = (count, body) => Array.from({ length: count }, (_, i) => body(i));
const sorted = (list) => [...list].sort();
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

/** Runs `body` with the addresses of servers of HTTP, one for each of the handlers. */
async function withServers(handlers, body) {
  const servers = handlers.map((handler) => http.createServer(handler));
  try {
    for (const server of servers) await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    await body(...servers.map((server) => `127.0.0.1:${server.address().port}`));
  } finally {
    for (const server of servers) server.closeAllConnections();
    await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  }
}

// ---- express-session ----

/** A site whose visitors log in, count their visits, and log out. */
function site(store) {
  const app = express();
  const cookie = { maxAge: 100_000 };
  app.use(session({ store, secret: 'a secret of the site', resave: false, saveUninitialized: false, cookie }));
  app.post('/login/:user', ({ params, session: mine }, answer) => {
    Object.assign(mine, { user: params.user, visits: 0 });
    answer.end('in');
  });
  app.post('/visit', ({ session: mine }, answer) => { mine.visits += 1; answer.end(String(mine.visits)); });
  app.get('/me', ({ session: { user } }, answer) => answer.status(user ? 200 : 401).end(user ?? 'nobody'));
  app.post('/logout', ({ session: mine }, answer, next) => mine.destroy((error) => (error ? next(error) : answer.end('out'))));
  return app;
}

/** One visitor at all three sites, beginning at another one than others do. */
async function visits(n, sites) {
  const visitor = new Visitor();
  const at = (i) => sites[(n + i) % sites.length];
  assert.equal(await visitor.get(at(0), '/me'), '401 nobody');
  assert.equal(await visitor.post(at(0), `/login/user-${n}`), '200 in');
  for (let i = 1; i <= 2; ++i) assert.equal(await visitor.get(at(i), '/me'), `200 user-${n}`);
  for (let i = 1; i <= 6; ++i) assert.equal(await visitor.post(at(i), '/visit'), `200 ${i}`);
  assert.equal(await visitor.post(at(2), '/logout'), '200 out');
  assert.deepEqual(await Promise.all([0, 1, 2].map((i) => visitor.get(at(i), '/me'))), Array(3).fill('401 nobody'));
}

const withSites = (places, makeStore, which, body) => withDrivers(which, places, (...drivers) => {
  const stores = drivers.map(({ client }) => makeStore(client));
  return withServers(stores.map(site), (...sites) => body({ drivers, stores, sites }));
});

const SailsStore = sailsConnectRedis(session);
const STORES = {
  [`connect-redis with ${NODE_REDIS.name}`]: [NODE_REDIS, (client) => new RedisStore({ client }), false],
  '@sailshq/connect-redis with node-redis 3': [newest('node-redis 3'), (client) => new SailsStore({ client }), true],
  '@sailshq/connect-redis with ioredis 5': [newest('ioredis 5'), (client) => new SailsStore({ client }), true],
};

/** The store's methods as promises. */
const promised = (store) => Object.fromEntries(['all', 'clear', 'destroy', 'get', 'ids', 'length', 'set', 'touch']
  .map((name) => [name, promisify(store[name]).bind(store)]));

/** What connect-redis' own tests ask of a store, with each step at another node. `tells`: the store hands on what Redis has answered. */
async function lifecycle(stores, drivers, tells) {
  let turn = 0;
  const next = () => promised(stores[turn++ % stores.length]);
  const ttl = (key) => drivers[turn % drivers.length].call('TTL', key).then(Number);
  const told = (answer, wanted) => { if (tells) assert.equal(answer, wanted); };
  assert.equal(await next().get('nobody') ?? undefined, undefined);
  told(await next().set('123', { foo: 'bar' }), 'OK');
  assert.deepEqual(await next().get('123'), { foo: 'bar' });
  assert.ok(await ttl('sess:123') >= DAY_S - 1);
  const expires = inSeconds(60);
  told(await next().set('456', { cookie: { expires } }), 'OK');
  assert.ok(await ttl('sess:456') <= 60);
  told(await next().touch('456', { cookie: { expires: inSeconds(90) } }), 'OK');
  assert.ok(await ttl('sess:456') > 60);
  told(await next().touch('nobody', { cookie: { expires } }), 'EXPIRED');
  for (let i = 0; i < 3; ++i) {
    assert.equal(await next().length(), 2);
    assert.deepEqual(sorted(await next().ids()), ['123', '456']);
    const all = (await next().all()).sort((one, other) => one.id.localeCompare(other.id));
    assert.deepEqual(all, [{ id: '123', foo: 'bar' }, { id: '456', cookie: { expires } }]);
  }
  told(await next().destroy('456'), 1);
  assert.equal(await next().length(), 1);
  assert.equal(await next().get('456') ?? undefined, undefined);
  told(await next().clear(), 1);
  assert.equal(await next().length(), 0);
  await Promise.all(range(1000, (i) => next().set(`s${i}`, { i })));
  for (let i = 0; i < 3; ++i) assert.equal(await next().length(), 1000);
  assert.deepEqual(sorted(await next().ids()), sorted(range(1000, (i) => `s${i}`)));
  assert.deepEqual((await next().all()).map(({ i }) => i).sort((one, other) => one - other), range(1000, (i) => i));
  told(await next().clear(), 1000);
  for (let i = 0; i < 3; ++i) assert.equal(await next().length(), 0);
  await next().set('789', { cookie: { expires: inSeconds(90) } });
  assert.equal(await next().length(), 1);
  await next().set('789', { cookie: { expires: inSeconds(-90) } });
  assert.equal(await next().length(), 0);
}

describe('express-session', () => {
  for (const [name, [which, makeStore, tells]] of Object.entries(STORES)) {
    test(name, (t) => withRedisNodes(3, STORE, async (places) => {
      await t.test('what its own tests ask, over three nodes', () => withDrivers(which, places, (...drivers) =>
        lifecycle(drivers.map(({ client }) => makeStore(client)), drivers, tells)));

      await t.test('30 visitors log in at one node, are known at the others at once, and log out', () =>
        withSites(places, makeStore, which, async ({ sites, stores }) => {
          await Promise.all(range(30, (n) => visits(n, sites)));
          assert.deepEqual(await promised(stores[0]).ids(), []);
        }));

      await t.test('a request at one node prolongs the session at the others', () =>
        withSites(places, makeStore, which, async ({ sites, drivers }) => {
          const visitor = new Visitor();
          await visitor.post(sites[0], '/login/anna');
          for (let i = 0; i < 6; ++i) {
            assert.equal(await drivers[i % 3].call('EXPIRE', visitor.key, '10'), 1);
            assert.equal(await visitor.get(sites[(i + 1) % 3], '/me'), '200 anna');
            const ttls = await Promise.all(drivers.map((driver) => driver.call('TTL', visitor.key)));
            assert.ok(ttls.every((ttl) => ttl >= 98 && ttl <= 100), ttls.join());
          }
        }));

      await t.test('a request under way does not bring back a session that has been ended elsewhere', () =>
        withSites(places, makeStore, which, async ({ sites, stores }) => {
          const visitor = new Visitor();
          await visitor.post(sites[0], '/login/anna');
          const store = promised(stores[1]);
          const held = await store.get(visitor.key.slice(5));
          await visitor.post(sites[2], '/logout');
          await store.touch(visitor.key.slice(5), held);
          for (const at of sites) assert.equal(await visitor.get(at, '/me'), '401 nobody');
        }));
    }));
  }
});

// ---- every library ----

/** MULTI of GET and PTTL in the library's own way: the two answers. */
async function getAndLeft(driver, which, key) {
  const multi = driver.client.multi().get(key);
  if (which.name === 'node-redis 3') return promisify(multi.pttl(key).exec).call(multi);
  if (which.name.startsWith('node-redis')) return multi.pTTL(key).exec();
  return (await multi.pttl(key).exec()).map(([error, answer]) => { assert.equal(error, null); return answer; });
}

async function simpleCommands([here, there, third], which) {
  const key = `simple ${which.name}`;
  assert.equal(await here.call('SET', key, 'wéather 🌍', 'EX', '100'), 'OK');
  assert.equal(await there.call('GET', key), 'wéather 🌍');
  assert.equal(await third.call('EXPIRE', key, '200'), 1);
  for (const driver of [here, there, third]) assert.ok([199, 200].includes(await driver.call('TTL', key)));
  const [value, left] = await getAndLeft(there, which, key);
  assert.equal(value, 'wéather 🌍');
  assert.ok(left > 198_000 && left <= 200_000, String(left));
  assert.equal(await third.call('SET', key, 'other', 'NX'), null);
  assert.equal(await there.call('DEL', key), 1);
  assert.equal(await here.call('GET', key), null);
  assert.deepEqual(await getAndLeft(third, which, key), [null, -2]);
  assert.equal(await third.call('SET', key, 'other', 'NX', 'EX', '100'), 'OK');
  assert.equal(await here.call('SET', key, 'again', 'NX', 'EX', '100'), null);
  assert.deepEqual(await there.call('MGET', key, 'none'), ['other', null]);
  assert.equal(await here.call('EXISTS', key, 'none'), 1);
}

async function expiring([here, there, third]) {
  const key = `expiring ${Math.random()}`;
  await here.call('SET', key, 'value', 'PX', '150');
  for (const driver of [here, there, third]) await waitFor('the key to expire', async () => await driver.call('GET', key) === null);
  assert.equal(await there.call('EXPIRE', key, '100'), 0);
  assert.equal(await third.call('INCR', key), 1);
  assert.equal(await here.call('TTL', key), -1);
}

async function counting(drivers) {
  const key = `count ${Math.random()}`;
  for (let n = 1; n <= 30; ++n) assert.equal(await drivers[n % 3].call('INCR', key), n);
  const replies = (await Promise.all(drivers.map((driver) => driver.pipeline(range(50, () => ['INCR', key]))))).flat();
  assert.deepEqual(replies.sort((one, other) => one - other), range(150, (i) => 31 + i));
  assert.equal(await drivers[0].call('DECRBY', key, '80'), 100);
  for (const driver of drivers) assert.equal(await driver.call('GET', key), '100');
}

/** Keys as marks of what has been seen: of those who set one at the same time, one is the first. */
async function dedupe(drivers) {
  const mark = `seen ${Math.random()}`;
  const attempts = range(300, (i) => drivers[i % 3].call('SET', `${mark} ${Math.floor(i / 3)}`, String(i), 'NX', 'EX', '100'));
  const answers = await Promise.all(attempts);
  assert.equal(answers.filter((answer) => answer === 'OK').length, 100);
  assert.equal(answers.filter((answer) => answer === null).length, 200);
  for (let key = 0; key < 100; ++key) {
    const winner = answers.slice(3 * key, 3 * key + 3).indexOf('OK');
    assert.equal(await drivers[key % 3].call('GET', `${mark} ${key}`), String(3 * key + winner));
  }
}

test('libraries for Node.js', (t) => withRedisNodes(3, STORE, async (places) => {
  for (const which of LIBRARIES) {
    const check = (name, body) => t.test(`${which.name}: ${name}`, () => withDrivers(which, places, (...drivers) => body(drivers, which)));
    await check('SET, GET, EXPIRE, DEL, SET NX, MULTI', simpleCommands);
    await check('keys expire at three nodes', expiring);
    await check('counting at three nodes', counting);
    await check('of 300 attempts on 100 keys at three nodes 100 win', dedupe);
  }
}));

// ---- limiters ----

const FLEXIBLE = {
  [IOREDIS.name]: [IOREDIS, {}], 'ioredis 5': [newest('ioredis 5'), {}],
  [NODE_REDIS.name]: [NODE_REDIS, { useRedisPackage: true }], 'node-redis 4': [newest('node-redis 4'), { useRedisPackage: true }],
};

async function flexible(drivers, options) {
  const keyPrefix = `flexible ${Math.random()}`;
  const limiters = drivers.map(({ client }) => new RateLimiterRedis({ storeClient: client, points: 100, duration: 100, keyPrefix, ...options }));
  const outcomes = await Promise.allSettled(range(300, (i) => limiters[i % 3].consume('anna')));
  assert.deepEqual(outcomes.filter(({ reason }) => reason instanceof Error), []);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 100);
  const counted = outcomes.map(({ value, reason }) => (value ?? reason).consumedPoints);
  assert.deepEqual(counted.sort((one, other) => one - other), range(300, (i) => i + 1));
  for (const limiter of limiters) {
    const { consumedPoints, msBeforeNext } = await limiter.get('anna');
    assert.equal(consumedPoints, 300);
    assert.ok(msBeforeNext > 90_000 && msBeforeNext <= 100_000, String(msBeforeNext));
    assert.equal(await limiter.get('nobody'), null);
  }
  assert.equal(await limiters[1].delete('anna'), true);
  assert.equal(await limiters[2].delete('anna'), false);
  assert.equal(await limiters[0].get('anna'), null);
  assert.equal((await limiters[2].penalty('anna', 7)).consumedPoints, 7);
  assert.equal((await limiters[1].reward('anna', 3)).consumedPoints, 4);
  assert.equal((await limiters[0].consume('anna', 96)).remainingPoints, 0);
  await limiters[2].block('bert', 50);
  for (const limiter of limiters) {
    await assert.rejects(limiter.consume('bert'), ({ msBeforeNext }) => msBeforeNext > 45_000 && msBeforeNext <= 50_000);
  }
  // Without an end: MULTI of INCRBY and PTTL.
  const endless = drivers.map(({ client }) => new RateLimiterRedis({ storeClient: client, points: 100, duration: 0, keyPrefix, ...options }));
  const others = await Promise.allSettled(range(300, (i) => endless[i % 3].consume('carl')));
  assert.equal(others.filter(({ status }) => status === 'fulfilled').length, 100);
}

/** Sites of which all together let 100 requests through. */
async function throttled(drivers) {
  const prefix = `throttled ${Math.random()} `;
  const stores = drivers.map((driver) => new RateLimitRedis({ prefix, sendCommand: (...words) => driver.call(...words) }));
  const sites = stores.map((store) => express()
    .use(rateLimit({ store, limit: 100, windowMs: 100_000, keyGenerator: () => 'all', validate: false, standardHeaders: 'draft-6' }))
    .get('/', (_, answer) => answer.end('let through')));
  await withServers(sites, async (...addresses) => {
    const answers = await Promise.all(range(300, (i) => request(addresses[i % 3], '/')));
    assert.equal(answers.filter(({ status, body }) => status === 200 && body === 'let through').length, 100);
    assert.equal(answers.filter(({ status }) => status === 429).length, 200);
    assert.deepEqual(sorted(answers.filter(({ status }) => status === 200).map(({ headers }) => headers['ratelimit-remaining']).map(Number)),
      sorted(range(100, (i) => i)));
    for (const store of stores) assert.equal((await store.get('all')).totalHits, 300);
    await stores[1].decrement('all');
    assert.equal((await stores[2].get('all')).totalHits, 299);
    await stores[2].resetKey('all');
    assert.equal((await request(addresses[0], '/')).status, 200);
    const { totalHits, resetTime } = await stores[1].get('all');
    assert.equal(totalHits, 1);
    assert.ok(resetTime - Date.now() > 95_000);
  });
}

test('limiters at three nodes let as many through as one would', (t) => withRedisNodes(3, STORE, async (places) => {
  for (const [name, [which, options]] of Object.entries(FLEXIBLE)) {
    await t.test(`rate-limiter-flexible with ${name}`, () => withDrivers(which, places, (...drivers) => flexible(drivers, options)));
  }
  for (const which of [IOREDIS, NODE_REDIS, newest('node-redis 3')]) {
    await t.test(`express-rate-limit and rate-limit-redis with ${which.name}`, () => withDrivers(which, places, (...drivers) => throttled(drivers)));
  }
}));

// ---- a node that dies, and comes again ----

const COUNTERS = 20;
const SESSIONS_EACH = 40;
const WORKERS_EACH = 8;

/** A client that gives up when its node has gone. */
function oneLife({ host, port }) {
  const client = new Redis({ host, port, retryStrategy: null, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false });
  client.on('error', () => {});
  return client;
}

/** What clients have written and been answered. */
class Ledger {
  sessions = new Map(); // the last value that was answered OK
  counts = Array.from({ length: COUNTERS }, () => ({ replies: [], unsure: 0 }));
  rounds = new Map(); // of each place
  again = 0;

  /** Writes sessions and counts until isOver, or until the node of the client has gone. */
  async work(place, client, worker) {
    for (let n = 0; !this.isOver; ++n) {
      const key = `sess:${place.port}:${worker}:${n % SESSIONS_EACH}`;
      const count = n % COUNTERS;
      const isDone = await this.#attempt(place, async () => {
        await client.set(key, n, 'EX', DAY_S);
        this.sessions.set(key, String(n));
      }, () => this.sessions.delete(key)) && await this.#attempt(place, async () => {
        this.counts[count].replies.push(await client.incr(`count:${count}`));
      }, () => { this.counts[count].unsure += 1; });
      if (!isDone) return;
      this.rounds.set(place, (this.rounds.get(place) ?? 0) + 1);
    }
  }

  /** False when the node of the client has gone. `unsure`: nobody knows whether it was done. */
  async #attempt(place, action, unsure) {
    try {
      await action();
      return true;
    } catch (error) {
      unsure();
      if (place.isKilled) return false;
      assert.match(error.message, /^TRYAGAIN /);
      this.again += 1;
      return true;
    }
  }

  /** Until there have been so many further rounds at each of the places. */
  async further(count, places) {
    const begin = new Map(this.rounds);
    await waitFor(`${count} further rounds`, () => {
      if (this.failure) throw this.failure;
      return places.every((place) => (this.rounds.get(place) ?? 0) >= (begin.get(place) ?? 0) + count);
    }, { ms: 20_000 });
  }

  /** Compares what the client's node has with what has been answered. */
  async check(client) {
    const keys = [...this.sessions.keys()];
    const values = await client.mget(keys);
    assert.deepEqual(keys.filter((key, i) => values[i] !== this.sessions.get(key)), [], 'sessions that are lost or old');
    const counts = await client.mget(range(COUNTERS, (i) => `count:${i}`));
    for (const [i, { replies, unsure }] of this.counts.entries()) {
      const count = Number(counts[i]);
      assert.equal(new Set(replies).size, replies.length, 'two clients were answered the same number');
      assert.ok(Math.max(...replies) <= count && count >= replies.length && count <= replies.length + unsure,
        `counter ${i} is ${count} after ${replies.length} replies to ${Math.max(...replies)} and ${unsure} without one`);
    }
  }
}

/** What a node answers once it takes clients: requests are sent until they are answered with anything but that it is loading. */
async function firstAnswer(place, makeRequests) {
  let refusals = 0;
  const answers = await waitFor(`${place.address} to answer`, async () => {
    const socket = new RespSocket(place);
    try {
      const requests = makeRequests();
      socket.write(Buffer.concat(requests.map((words) => command(...words))));
      const replies = await socket.elements(requests.length);
      if (!replies.some((reply) => String(reply).startsWith('-LOADING'))) return replies;
    } finally {
      socket.drop();
    }
    refusals += 1;
    return undefined;
  }, { ms: 20_000, every: 1 });
  return { answers, refusals };
}

const valuesOf = (reply) => split(reply.subarray(reply.indexOf('\r\n') + 2))
  .map((value) => (String(value) === '$-1\r\n' ? null : String(value).split('\r\n')[1]));

test('a node is killed and comes again', { skip: IS_REDIS && 'one redis-server is all there is' }, (t) => withRedisMesh(3, async (places) => {
  const living = places.slice(0, 2);
  const victim = places[2];
  const clients = [];
  const open = (place) => { clients.push(oneLife(place)); return clients.at(-1); };
  const [here, there] = living.map(open);
  const ledger = new Ledger();
  t.after(() => { for (const client of clients) client.disconnect(); });

  await t.test('no session that was answered is lost, and no count', async () => {
    const work = Promise.all(places.flatMap((place) => {
      const client = open(place);
      return range(WORKERS_EACH, (worker) => ledger.work(place, client, worker));
    })).catch((error) => { ledger.failure = error; });
    await ledger.further(100, places);
    victim.isKilled = true;
    await victim.node.kill();
    await ledger.further(20, living);
    for (const { node } of living) await waitFor('the death to be known', async () => await node.stateOf(victim.node.name) !== 'alive');
    await ledger.further(200, living);
    ledger.isOver = true;
    await work;
    assert.equal(ledger.failure, undefined);
    assert.ok(ledger.again <= 5, `${ledger.again} clients were asked to try again`);
    // What was answered after 20 ms, while the dead node was waited for, may come a moment later.
    for (const client of [here, there]) await waitFor('a living node to have all', () => ledger.check(client).then(() => true), { ms: 5_000 });
    const [first, second, last] = places.map((place) => ledger.rounds.get(place));
    console.log(`# ${first} and ${second} rounds at the living nodes, ${last} at the killed one; ${ledger.again} to be tried again`);
  });

  await t.test('it has all keys before it answers', async () => {
    const value = 'x'.repeat(2000);
    const names = range(5000, (i) => `page:${i}`);
    const written = async (client, commands) => {
      for (const [error] of await commands.reduce((all, words) => all.call(...words), client.pipeline()).exec()) assert.equal(error, null);
    };
    await written(here, names.map((name) => ['SET', name, value, 'EX', '1000']));
    for (let restart = 0; restart < 3; ++restart) {
      const deleted = names.splice(0, 100);
      await written(there, deleted.map((name) => ['DEL', name]));
      const answered = [];
      const writing = Promise.all(range(16, async (writer) => {
        for (let n = 0; !victim.isBack; ++n) {
          const name = `late:${restart}:${writer}:${n}`;
          await (writer % 2 ? here : there).set(name, name);
          answered.push(name);
        }
      }));
      await victim.restart();
      let late = [];
      const { answers: [lateValues, pages, found, ttl], refusals } = await firstAnswer(victim, () => {
        late = [...answered];
        return [['MGET', 'none', ...late], ['MGET', ...names], ['EXISTS', ...deleted], ['TTL', names[0]]];
      });
      victim.isBack = true;
      await writing;
      assert.deepEqual(valuesOf(lateValues), [null, ...late]);
      assert.equal(valuesOf(pages).filter((page) => page === value).length, names.length);
      assert.equal(String(found), ':0\r\n');
      assert.match(String(ttl), /^:(1000|9\d\d)\r\n$/);
      await ledger.check(open(victim));
      console.log(`# back with ${names.length} keys and ${late.length} that were written meanwhile; ${refusals} times it said that it was loading`);
      victim.isBack = false;
      if (restart < 2) await victim.node.kill();
    }
  });

  await t.test('and it serves as before', async () => {
    const back = open(victim);
    for (let n = 1; n <= 60; ++n) assert.equal(await [here, there, back][n % 3].incr('after all'), n);
    assert.equal(await back.set('last', 'value'), 'OK');
    assert.deepEqual(await Promise.all([here, there, back].map((client) => client.get('last'))), ['value', 'value', 'value']);
  });
}, STORE));
