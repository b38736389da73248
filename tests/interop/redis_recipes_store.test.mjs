// The recipes of node/doc/redis_recipes.md that keep keys: the blocks of that page, run as they stand there, with the address of a node put in.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DJANGOS, OWN_CACHE } from '../support/js/django.mjs';
import { request } from '../support/js/http.mjs';
import { PHP, noPhpRedis } from '../support/js/php.mjs';
import { PYTHON_MS as MS, clientProgram, endsWell } from '../support/js/python.mjs';
import { LIBRARIES, withDrivers } from '../support/js/redis_drivers.mjs';
import { STORE, withRedisNodes } from '../support/js/redis_edge.mjs';
import {
  KEEPS_KEYS, NEW, OLD, PAGE, SAILS_SDK, at, changesHostAlone, folder, hostAndPort, killedAndStarted, listens, overSocket, staged,
} from '../support/js/redis_recipes.mjs';
import { Recipes } from '../support/js/recipes.mjs';
import { Visitor } from '../support/js/visitor.mjs';
import { waitFor } from '../support/js/wait.mjs';

const recipes = await Recipes.read(PAGE, (heading) => KEEPS_KEYS.includes(heading));
const [EXPRESS, SAILS, FLEXIBLE, EXPRESS_LIMIT, DJANGO, LARAVEL] = KEEPS_KEYS.map((heading) => recipes.take(heading));
const env = { SESSION_SECRET: 'of a test' };

/** Runs `body` with the addresses of two servers that `start` starts, one at each of two nodes, the nodes, the servers and their stage. */
const withSites = (start, body) => staged(2, async (places, stage) => {
  const servers = [];
  for (const place of places) servers.push(await start(stage, place));
  for (const server of servers) await listens(server);
  await body(servers.map(({ address }) => address), { places, servers, stage });
}, STORE);

/** Eve logs in at one of two servers, is known at both, and logs out at the other. */
async function comesAndGoes([here, there]) {
  const eve = new Visitor();
  assert.equal(await eve.get(there, '/'), '200 nobody');
  assert.equal(await eve.post(here, '/login/eve'), '200 welcome');
  const { cookie } = eve;
  for (const site of [there, here]) assert.equal(await eve.get(site, '/'), '200 eve');
  assert.equal(await eve.post(there, '/logout'), '200 bye');
  for (const site of [here, there]) {
    eve.cookie = cookie; // which some servers take away
    assert.equal(await eve.get(site, '/'), '200 nobody');
  }
}

/** A session outlives the node of one of two servers, which connects again by itself. */
async function outlivesItsNode([here, there], places) {
  const eve = new Visitor();
  assert.equal(await eve.post(there, '/login/eve'), '200 welcome');
  await killedAndStarted(places);
  for (const site of [there, here]) await waitFor('eve to be known again', async () => await eve.get(site, '/') === '200 eve', { ms: MS });
  await comesAndGoes([there, here]);
}

test('the changes are of the host alone', () => {
  for (const block of [EXPRESS, SAILS, FLEXIBLE, EXPRESS_LIMIT, DJANGO, LARAVEL]) changesHostAlone(block);
  for (const block of [EXPRESS, SAILS, FLEXIBLE, EXPRESS_LIMIT, DJANGO]) assert.ok(block.before.includes(OLD));
});

test('Express: a session at two nodes, and after the death of one', () => withSites(
  async (stage, place) => stage.server(EXPRESS.file, await folder({ [EXPRESS.file]: at(place, EXPRESS.after) }), { env }),
  async (sites, { places }) => {
    await comesAndGoes(sites);
    await outlivesItsNode(sites, places);
  },
));

const SAILS_ROUTES = `{
  'POST /login/:user': (req, res) => { req.session.user = req.param('user'); res.send('welcome'); },
  'GET /': (req, res) => res.send(req.session.user || 'nobody'),
  'POST /logout': (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('bye'))),
}`;

test('Sails: a session at two nodes, over HTTP and over sockets, and after the death of one', () => withSites(
  (stage, place) => stage.sails({ file: SAILS.file, text: at(place, SAILS.after), routes: SAILS_ROUTES }, { env }),
  async (sites, { places, servers, stage }) => {
    await comesAndGoes(sites);
    const eve = new Visitor();
    await eve.post(sites[0], '/login/eve');
    const clients = [];
    for (const server of servers) clients.push(await stage.client(server, { query: SAILS_SDK, extraHeaders: { cookie: eve.cookie } }));
    for (const client of clients) assert.equal(await overSocket(client, 'get', '/'), 'eve');
    assert.equal(await overSocket(clients[1], 'post', '/login/bert'), 'welcome');
    assert.equal(await overSocket(clients[0], 'get', '/'), 'bert');
    assert.equal(await eve.get(sites[0], '/'), '200 bert');
    assert.equal(await overSocket(clients[0], 'post', '/logout'), 'bye');
    assert.equal(await eve.get(sites[1], '/'), '200 nobody');
    await outlivesItsNode(sites, places);
  },
));

for (const block of [FLEXIBLE, EXPRESS_LIMIT]) {
  test(`${block.heading}: two servers count together`, () => withSites(
    async (stage, place) => stage.server(block.file, await folder({ [block.file]: at(place, block.after) })),
    async (sites) => {
      const answers = [];
      for (let n = 0; n < 6; ++n) answers.push(await request(sites[n % 2], '/'));
      assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 429]);
      assert.deepEqual(answers.slice(0, 5).map(({ body }) => body), Array(5).fill('served'));
    },
  ));
}

describe('Django: sessions and counts in the cache at two nodes', () => {
  const app = clientProgram('django_site.py');
  for (const { name, backend, program, skip } of DJANGOS) {
    test(name, { skip }, async () => {
      const python = await program('django_recipe');
      const settings = DJANGO.after.replace(OWN_CACHE, backend);
      assert.ok(settings.includes(`"BACKEND": "${backend}"`));
      await withSites(
        async (stage, place) => stage.server(await folder({ [DJANGO.file]: at(place, settings) }), undefined, { command: python, args: [app] }),
        async (sites, { places }) => {
          await comesAndGoes(sites);
          const counts = [];
          for (let n = 0; n < 6; ++n) counts.push((await request(sites[n % 2], '/count/page')).body);
          assert.deepEqual(counts, ['1', '2', '3', '4', '5', '6']);
          await outlivesItsNode(sites, places);
        },
      );
    });
  }
});

test("Laravel: the settings are of Redis, at the node's address", () => {
  const { CACHE_STORE: cache, SESSION_DRIVER: sessions, ...redis } = LARAVEL.variables.after;
  assert.deepEqual({ cache, sessions, address: hostAndPort(redis, 'REDIS_') }, { cache: 'redis', sessions: 'redis', address: NEW });
});

test('Laravel: its cache in database 1, and what is in another', { skip: noPhpRedis }, () => withRedisNodes(2, STORE, ([n1, n2]) =>
  withDrivers(LIBRARIES.find(({ name }) => name === 'ioredis 5'), [n1], async (driver) => {
    await driver.call('SET', 'session', 'of another database');
    await endsWell(PHP, [clientProgram('laravel_cache.php'), n1.host, String(n1.port), n2.host, String(n2.port), '1']);
    assert.equal(await driver.call('GET', 'session'), 'of another database');
  })));

test('every block of the page that keeps keys is taken by a test', () => assert.deepEqual(recipes.left, []));
