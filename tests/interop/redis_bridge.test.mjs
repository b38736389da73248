// What backends publish by Redis in a realm with an app, at the browsers of the app: Laravel's redis broadcaster and Node's publishers at
// one node, Laravel Echo and pusher-js at two.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { APP, connected, inbox, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { parts } from '../support/js/http.mjs';
import { withLaravel } from '../support/js/laravel.mjs';
import { PHP } from '../support/js/php.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const { Redis } = createRequire(import.meta.url)('ioredis-5');
const SECRET = '0123456789abcdef';
const PREFIX = 'laravel_database_';
const PHP_CLIENT = fileURLToPath(new URL('../support/clients/laravel_broadcaster.php', import.meta.url));
/** RedisBroadcaster::broadcastMultipleChannelsScript() of Laravel. */
const SCRIPT = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";

/** ioredis at this node, connected: it tries again while a node that has just become ready takes no clients. */
async function open(node) {
  const redis = new Redis(`redis://shop:${SECRET}@${node.ports.redis}`, { maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await within(10_000, `${node.name} to take a client of Redis`, redis.ping());
  return redis;
}

/** PUBLISHes without waiting between them. */
const pipeline = (redis, messages) => messages.reduce((all, message) => all.publish(...message), redis.pipeline()).exec();
const json = (event, data, socket = null) => JSON.stringify({ event, data, socket });

/** Runs `body` with a mesh whose realm "shop" speaks for the app, and a publisher at the last node. */
async function withBridge({ count = 2, realm = [`app_prefix = "${PREFIX}"`], app = [], args = [] }, body) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-bridge-'));
  const file = path.join(directory, 'node.toml');
  const apps = app && ['[[apps]]', `id = "${APP.appId}"`, `key = "${APP.key}"`, `secret = "${APP.secret}"`, 'client_events = true', ...app];
  await fs.writeFile(file, `${['redis_listen = "127.0.0.1:0"', ...(app ? [] : ['apps_dir = "apps"']), '[[redis_realms]]', 'name = "shop"',
    `secret = "${SECRET}"`, 'users = ["shop", "default"]', `app = "${APP.appId}"`, ...realm, ...(apps || [])].join('\n')}\n`, { mode: 0o600 });
  await fs.mkdir(path.join(directory, 'apps'));
  try {
    await withCluster(count, { args: ['--config', file, ...args] }, async (cluster) => {
      const redis = await open(cluster.nodes.at(-1));
      try {
        await body({ nodes: cluster.nodes, redis, directory, publish: (channel, payload) => redis.call('PUBLISH', PREFIX + channel, payload) });
      } finally {
        redis.disconnect();
      }
    });
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

const settled = (channel) => within(10_000, `the subscription of ${channel.name}`, new Promise((resolve, reject) => {
  channel.subscribed(() => resolve(channel));
  channel.error(reject);
}));

/** What a callback is called with first: grows as it comes. */
function collected(register) {
  const all = [];
  register((value) => all.push(value));
  return all;
}

test('Laravel Echo on two nodes', (t) => withBridge({}, ({ nodes, redis, publish }) => withLaravel(nodes, async (laravel) => {
  const echoes = nodes.map((node, i) => laravel.echo(node, `u${i}`, 'pusher'));
  const onBoth = async (kind, name, event) => {
    const channels = await Promise.all(echoes.map((echo) => settled(echo[kind](name))));
    return channels.map((channel) => collected((take) => channel.listen(event, take)));
  };
  const same = (all, expected) => waitFor('all', () => all.every((one) => one.length >= expected.length))
    .then(() => assert.deepEqual(all, all.map(() => expected)));

  await t.test('a public channel, data of every kind, once', async () => {
    const heard = await onBoth('channel', 'orders', 'OrderShipped');
    const kinds = [{ id: 7, by: 'Zoë 🌍', nested: { list: [1, 2.5, null] } }, [], [1], 'text', '{"a":1}', '7', 7, true, null];
    for (const data of kinds) assert.equal(await publish('orders', json('App\\Events\\OrderShipped', data)), 0);
    await same(heard, kinds);
  });

  await t.test('private, presence and encrypted channels, and a notification', async () => {
    const secret = await onBoth('private', 'orders.7', 'OrderPaid');
    const room = await onBoth('join', 'room', 'Said');
    const vault = await onBoth('encryptedPrivate', 'vault', '.opened');
    const notes = await Promise.all(echoes.map((echo) => settled(echo.private('App.Models.User.7')).then((channel) => collected((take) => channel.notification(take)))));
    await publish('private-orders.7', json('App\\Events\\OrderPaid', { id: 7 }));
    await publish('presence-room', json('App\\Events\\Said', { by: 'anna' }));
    await publish('private-App.Models.User.7', json('Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { type: 'Paid' }));
    // What an application encrypts is handed on as it is: the kit's own event shows how that looks.
    const sealed = await new Promise((resolve) => {
      const { kit } = laravel;
      const post = kit.post;
      kit.post = ({ body }) => { kit.post = post; resolve(JSON.parse(body.data)); return Promise.resolve(); };
      kit.trigger('private-encrypted-vault', 'opened', { by: 'anna' });
    });
    await publish('private-encrypted-vault', json('opened', sealed));
    await same(secret, [{ id: 7 }]);
    await same(room, [{ by: 'anna' }]);
    await same(notes, [{ type: 'Paid' }]);
    await same(vault, [{ by: 'anna' }]);
  });

  await t.test('toOthers: the page with the socket id is left out, at its own node and at the other', async () => {
    const heard = await onBoth('private', 'chat', 'Said');
    for (const [n, echo] of echoes.entries()) await publish('private-chat', json('App\\Events\\Said', { n }, echo.socketId()));
    await publish('private-chat', json('App\\Events\\Said', { n: 2 }, 'R2dqoP0Gs8fLAAAB'));
    await waitFor('the last at both', () => heard.every((said) => said.at(-1)?.n === 2));
    assert.deepEqual(heard, [[{ n: 1 }, { n: 2 }], [{ n: 0 }, { n: 2 }]]);
  });

  await t.test('the script for several channels', async () => {
    const [some, others] = [await onBoth('channel', 'several', 'E'), await onBoth('private', 'several', 'E')];
    assert.equal(await redis.call('EVAL', SCRIPT, 0, json('App\\Events\\E', { n: 1 }), `${PREFIX}several`, `${PREFIX}private-several`), null);
    await same([...some, ...others], [{ n: 1 }]);
    await assert.rejects(redis.call('EVAL', 'return 1', 0), /unknown command 'EVAL'.*Tulle runs no scripts/);
  });

  await t.test('2000 events in order', async () => {
    const heard = await onBoth('channel', 'many', 'E');
    const commands = Array.from({ length: 2000 }, (_, n) => [`${PREFIX}many`, json('App\\Events\\E', n)]);
    await pipeline(redis, commands);
    await same(heard, commands.map((_, n) => n));
  });
})));

test('a cache channel keeps the event for newcomers at every node', () => withBridge({}, ({ nodes, publish }) =>
  withClients(nodes, async (...clients) => {
    await publish('private-cache-price', json('changed', { price: 5 }));
    for (const pusher of clients) {
      const got = inbox(pusher.subscribe('private-cache-price'), 'changed');
      await waitFor('the last event', () => got.length > 0);
      assert.deepEqual(got, [{ price: 5 }]);
    }
  })));

test('subscribers of Redis get each publish as it is, and the number of PUBLISH is theirs', () => withBridge({}, async ({ nodes, redis, publish }) => {
  const subscriber = await open(nodes[0]);
  subscriber.inbox = [];
  subscriber.on('pmessage', (pattern, channel, payload) => subscriber.inbox.push(payload));
  subscriber.on('smessage', (channel, payload) => subscriber.inbox.push(payload));
  try {
    await withClients(nodes, async (...clients) => {
      const channels = await Promise.all(clients.map((pusher) => subscribed(pusher, 'orders')));
      const heard = channels.map((channel) => collected((take) => channel.bind_global((name, data) => !name.startsWith('pusher:') && take([name, data]))));
      await subscriber.psubscribe('*');
      await subscriber.ssubscribe(`${PREFIX}orders`);
      const last = json('e', 'last');
      const payloads = ['not JSON', '[]', '{}', '{"event":7}', json('e', 1), `${json('e', 2)} `, '{"event":"e","data":1,"data":2}', last];
      await waitFor('the pattern to be known', async () => await redis.call('PUBLISH', 'probe', 'probe') === 1);
      for (const payload of payloads) assert.equal(await publish('orders', payload), 1);
      await redis.call('PUBLISH', 'orders', json('e', 'without the prefix'));
      await redis.call('SPUBLISH', `${PREFIX}orders`, json('e', 'a shard channel'));
      await redis.call('PUBLISH', `${PREFIX}no channel/`, json('e', 'of Pusher'));
      await publish('orders', last);
      const received = () => subscriber.inbox.filter((payload) => payload !== 'probe');
      await waitFor('all at the subscriber', () => received().length >= payloads.length + 4);
      await waitFor('all at the clients', () => heard.every((one) => one.length >= 4));
      assert.deepEqual(heard, heard.map(() => [['e', 1], ['e', 2], ['e', 'last'], ['e', 'last']]));
      assert.deepEqual(received().slice(0, payloads.length), payloads);
    });
    const at = nodes.at(-1);
    assert.equal(await at.metric('tulle_redis_app_events_total'), 4);
    assert.equal(await at.metric('tulle_redis_app_events_refused_total'), 6);
    assert.equal(await nodes[0].metric('tulle_redis_app_events_total'), 0, 'the node that took the command alone');
    await at.says(/publishes in the Redis realm shop became no events of the app app-id: 1, the last on the channel orders: the payload is not a JSON object/);
    assert.equal(at.log.split('became no events').length, 2, 'one line in a minute');
  } finally {
    subscriber.disconnect();
  }
}));

test("the app's limits", () => withBridge({ count: 1, realm: [], app: ['max_event_bytes = 100', 'max_backend_events_per_second = 50'] },
  ({ nodes: [node], redis }) => withClients([node], async (pusher) => {
    const heard = inbox(await subscribed(pusher, 'c'), 'e');
    await redis.call('PUBLISH', 'c', json('e', 'x'.repeat(99)));
    await redis.call('PUBLISH', 'c', json('e', 'x'.repeat(98)));
    await waitFor('the smaller one', () => heard.length > 0);
    assert.equal(heard[0].length, 98);
    await pipeline(redis, Array.from({ length: 300 }, (_, n) => ['c', json('e', n)]));
    await waitFor('all to be counted', async () => await node.metric('tulle_redis_publishes_total') === 302);
    const [events, refused] = [await node.metric('tulle_redis_app_events_total'), await node.metric('tulle_redis_app_events_refused_total')];
    assert.equal(events + refused, 302);
    assert.ok(events >= 50 && events <= 110, `${events} events`);
    await waitFor('what was granted', () => heard.length === events);
  })));

test('an app that comes and goes with apps_dir', () => withBridge({ count: 1, realm: [], app: null }, async ({ nodes: [node], redis, directory }) => {
  const file = path.join(directory, 'apps', 'shop.toml');
  await redis.call('PUBLISH', 'c', json('e', 0));
  await node.says('there is no such app');
  await fs.writeFile(file, `id = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\n`);
  await node.says('the apps have been read again: 1');
  await withClients([node], async (pusher) => {
    await connected(pusher);
    const heard = inbox(await subscribed(pusher, 'c'), 'e');
    await redis.call('PUBLISH', 'c', json('e', 1));
    await waitFor('the event', () => heard.length > 0);
    assert.deepEqual(heard, [1]);
  });
  await fs.rm(file);
  const refused = await node.metric('tulle_redis_app_events_refused_total');
  await waitFor('the app to be gone', async () => {
    await redis.call('PUBLISH', 'c', json('e', 2));
    return await node.metric('tulle_redis_app_events_refused_total') > refused;
  });
}));

test('a realm that may not speak for its app', async () => {
  for (const [realm, app, error] of [
    [[], 'other', /names the app 'other', and there is no app with this id/],
    [['app_prefix = "a b"'], APP.appId, /must give 1 to 256 visible characters/],
  ]) {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-bridge-'));
    const file = path.join(directory, 'node.toml');
    await fs.writeFile(file, `${['redis_listen = "127.0.0.1:0"', '[[redis_realms]]', 'name = "a"', `secret = "${SECRET}"`, `app = "${app}"`, ...realm].join('\n')}\n`);
    const tulled = new Program('tulled', ['--config', file, '--listen', '127.0.0.1:0', '--mesh', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
    await tulled.ended;
    assert.equal(tulled.child.exitCode, 2);
    assert.match(tulled.output, error);
    await fs.rm(directory, { recursive: true });
  }
});

for (const [library, probe] of [['phpredis', 'exit(class_exists("Redis") ? 0 : 1);'], ['predis', 'require "Predis/autoload.php";']]) {
  const isMissing = spawnSync(PHP, ['-r', probe], { stdio: 'ignore' }).status !== 0;
  test(`PHP: ${library} as Laravel's broadcaster uses it`, { skip: isMissing && `PHP or ${library} is not installed` }, () =>
    withBridge({}, ({ nodes }) => withLaravel(nodes, async (laravel) => {
      const echoes = nodes.map((node, i) => laravel.echo(node, `u${i}`, 'pusher'));
      const channels = await Promise.all(echoes.flatMap((echo) => [echo.channel('orders'), echo.private('orders.7')]).map(settled));
      const heard = channels.map((channel) => collected((take) => channel.listen('OrderShipped', take)));
      const { host, port } = parts(nodes.at(-1).ports.redis);
      const broadcast = (payload) => run(PHP, [PHP_CLIENT, library, host, String(port), 'shop', SECRET, PREFIX,
        JSON.stringify({ channels: ['orders', 'private-orders.7'], event: 'App\\Events\\OrderShipped', payload })]);
      const data = { id: 7, url: 'https://x/ü', socket: echoes[0].socketId() };
      const { stdout, code } = await broadcast(data);
      assert.deepEqual([stdout, code], ['done\n', 0]);
      // To both channels by the script, to the first again by PUBLISH; never to the page that sent the request.
      await waitFor('all', () => heard[2].length >= 2 && heard[3].length >= 1);
      await broadcast({ id: 8, socket: null });
      await waitFor('the second everywhere', () => heard[0].length >= 2 && heard[1].length >= 1 && heard[2].length >= 4 && heard[3].length >= 2);
      const [first, second] = [data, { id: 8, socket: null }];
      assert.deepEqual(heard, [[second, second], [second], [first, first, second, second], [first, second]]);
    })));
}
