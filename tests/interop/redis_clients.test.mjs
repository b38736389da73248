// The clients of Redis that programs have, unmodified, at two nodes: what one publishes here, another receives there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIBRARIES, withDrivers } from '../support/js/redis_drivers.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const COUNT = 10_000;
const BINARY = Buffer.from([0, 10, 13, 36, 42, 127, 128, 195, 255]);
const BINARY_TEXT = BINARY.toString('latin1');
const PYTHON_CLIENT = fileURLToPath(new URL('../support/clients/redis_client.py', import.meta.url));

const arrived = (driver, count) => waitFor(`${count} messages, after ${driver.inbox.length}`, () => driver.inbox.length >= count);

/** Until a publish on a channel of its own is answered with so many deliveries: numbers of other nodes come with a delay. */
const delivers = (publisher, channel, count) =>
  waitFor(`PUBLISH to answer ${count}`, async () => await publisher.call('PUBLISH', channel, 'probe') === count);

async function channelsAndPatterns(subscriber, publisher) {
  await subscriber.subscribe('', 'news', 'wéather');
  await subscriber.subscribe('p', 'sport.*');
  await publisher.call('PUBLISH', 'news', 'one');
  await publisher.call('PUBLISH', 'wéather', 'two, Ω 🌍');
  await publisher.call('PUBLISH', 'sport.chess', '');
  await publisher.call('PUBLISH', 'sport', 'to nobody');
  await publisher.call('PUBLISH', 'news', 'three');
  await arrived(subscriber, 4);
  const utf8 = (text) => Buffer.from(text).toString('latin1');
  assert.deepEqual(subscriber.inbox,
    [['news', 'one'], [utf8('wéather'), utf8('two, Ω 🌍')], ['sport.chess', ''], ['news', 'three']]);
}

async function shardChannels(subscriber, publisher) {
  await subscriber.subscribe('s', 'shard-a', 'shard-b');
  await publisher.call('PUBLISH', 'shard-a', 'to nobody');
  await publisher.call('SPUBLISH', 'shard-a', '1');
  await publisher.call('SPUBLISH', 'shard-b', '2');
  await arrived(subscriber, 2);
  await subscriber.unsubscribe('s', 'shard-a');
  await publisher.call('SPUBLISH', 'shard-a', '3');
  await publisher.call('SPUBLISH', 'shard-b', '4');
  await arrived(subscriber, 3);
  assert.deepEqual(subscriber.inbox, [['shard-a', '1'], ['shard-b', '2'], ['shard-b', '4']]);
}

async function binary(subscriber, publisher, { anyName }) {
  const name = anyName ? BINARY : Buffer.from('\0\r\n$-1 é');
  await subscriber.subscribe('', anyName ? name : name.toString());
  await publisher.call('PUBLISH', name, BINARY);
  await publisher.call('PUBLISH', name, Buffer.alloc(300_000, BINARY));
  await arrived(subscriber, 2);
  assert.deepEqual(subscriber.inbox[0], [name.toString('latin1'), BINARY_TEXT]);
  assert.equal(subscriber.inbox[1][1].length, 300_000);
  assert.ok(subscriber.inbox[1][1].startsWith(BINARY_TEXT.repeat(1000)));
}

/** What PUBLISH and PUBSUB say of subscribers here and there. */
async function numbers(here, there) {
  assert.equal(await there.call('PUBLISH', 'num', 'x'), 0);
  assert.deepEqual(await there.call('PUBSUB', 'NUMSUB', 'num', 'none'), ['num', 0, 'none', 0]);
  await here.subscribe('', 'num');
  await here.subscribe('p', 'nu*', 'n?m');
  await delivers(there, 'num', 3);
  assert.deepEqual(await there.call('PUBSUB', 'NUMSUB', 'num', 'none'), ['num', 1, 'none', 0]);
  assert.deepEqual(await there.call('PUBSUB', 'CHANNELS', 'nu*'), ['num']);
  assert.equal(await there.call('PUBSUB', 'NUMPAT'), 2);
  assert.deepEqual(await there.call('PUBSUB', 'CHANNELS', 'nothing*'), []);
  await here.unsubscribe('p', 'nu*');
  await delivers(there, 'num', 2);
  assert.equal(await there.call('PUBSUB', 'NUMPAT'), 1);
}

async function shardNumbers(here, there) {
  await here.subscribe('s', 'snum');
  await waitFor('SPUBLISH to answer 1', async () => await there.call('SPUBLISH', 'snum', 'x') === 1);
  assert.deepEqual(await there.call('PUBSUB', 'SHARDNUMSUB', 'snum', 'none'), ['snum', 1, 'none', 0]);
  assert.deepEqual(await there.call('PUBSUB', 'SHARDCHANNELS', 'snum'), ['snum']);
  assert.deepEqual(await there.call('PUBSUB', 'CHANNELS', 'snum'), []);
}

async function pingAndUnsubscribe(subscriber, publisher) {
  await subscriber.subscribe('', 'first', 'second');
  await subscriber.ping();
  await subscriber.unsubscribe('', 'first');
  await subscriber.ping();
  await publisher.call('PUBLISH', 'first', 'to nobody');
  await publisher.call('PUBLISH', 'second', '1');
  await arrived(subscriber, 1);
  await subscriber.unsubscribe('');
  assert.equal(String(await subscriber.call('PING')), 'PONG'); // node-redis 5 gives bytes after a subscription
  await subscriber.subscribe('', 'third');
  await publisher.call('PUBLISH', 'second', 'to nobody');
  await publisher.call('PUBLISH', 'third', '2');
  await arrived(subscriber, 2);
  assert.deepEqual(subscriber.inbox, [['second', '1'], ['third', '2']]);
}

/** The server closes the subscriber's connection: it comes again by itself, with all its subscriptions, and misses nothing after that. */
async function killed(subscriber, publisher, { shards }) {
  const id = await subscriber.call('CLIENT', 'ID');
  await subscriber.subscribe('', 'kept');
  await subscriber.subscribe('p', 'kept.*');
  if (shards) await subscriber.subscribe('s', 'kept');
  assert.equal(await subscriber.killer.call('CLIENT', 'KILL', 'ID', String(id)), 1);
  for (const [command, channel] of [['PUBLISH', 'kept'], ['PUBLISH', 'kept.a'], ...(shards ? [['SPUBLISH', 'kept']] : [])]) {
    subscriber.inbox.length = 0;
    await waitFor(`${command} ${channel} to be received again`, async () => {
      await publisher.call(command, channel, 'again');
      return subscriber.inbox.some(([name]) => name === channel);
    }, { every: 50 });
  }
}

async function pipeline(subscriber, publisher) {
  await subscriber.subscribe('', 'piped');
  const commands = Array.from({ length: 50 }, (_, n) => (n % 2 ? ['PUBLISH', 'piped', String(n)] : ['ECHO', String(n)]));
  const replies = await publisher.pipeline(commands);
  assert.deepEqual(replies.filter((_, n) => n % 2 === 0).map(String), commands.filter(([name]) => name === 'ECHO').map(([, what]) => what));
  assert.ok(replies.filter((_, n) => n % 2).every((reply) => reply === 0 || reply === 1), replies.join());
  await arrived(subscriber, 25);
  assert.deepEqual(subscriber.inbox.map(([, payload]) => Number(payload)), Array.from({ length: 25 }, (_, i) => 2 * i + 1));
}

async function fifo(subscriber, publisher) {
  await subscriber.subscribe('', 'left');
  await subscriber.subscribe('', 'right');
  for (let n = 0; n < COUNT; n += 500) {
    await publisher.pipeline(Array.from({ length: 500 }, (_, i) => ['PUBLISH', (n + i) % 3 ? 'left' : 'right', String(n + i)]));
  }
  await arrived(subscriber, COUNT);
  assert.deepEqual(subscriber.inbox, Array.from({ length: COUNT }, (_, n) => [n % 3 ? 'left' : 'right', String(n)]));
}

test('libraries for Node.js', (t) => withRedisNodes(2, {}, async ([n1, n2]) => {
  for (const which of LIBRARIES) {
    const check = (name, body) => t.test(`${which.name}: ${name}`, () => withDrivers(which, [n1, n2], (here, there) => body(here, there, which)));
    await check('channels and patterns', channelsAndPatterns);
    if (which.shards) await check('shard channels', shardChannels);
    await check('binary names and payloads', binary);
    await check('numbers of subscribers', numbers);
    if (which.shards) await check('numbers of subscribers of shard channels', shardNumbers);
    await check('PING among messages, UNSUBSCRIBE', pingAndUnsubscribe);
    await check('a pipeline of 50', pipeline);
    await check(`${COUNT} messages on two channels in order`, fifo);
    await t.test(`${which.name}: reconnects and subscribes again`, () => withDrivers(which, [n1, n2, n1], (here, there, killer) =>
      killed(Object.assign(here, { killer }), there, which)));
    await t.test(`${which.name}: leaves politely`, async () => {
      const driver = await which.open(n1);
      assert.equal(await driver.call('PING'), 'PONG');
      await driver.close();
      assert.deepEqual(driver.errors, []);
    });
  }

  await t.test('the number that PUBLISH answers, over both nodes and all libraries', async () => {
    const open = [];
    try {
      for (const [index, which] of LIBRARIES.entries()) {
        open.push(await which.open(index % 2 ? n1 : n2));
        await open.at(-1).subscribe('', 'all');
      }
      const publishers = [await LIBRARIES[0].open(n1), await LIBRARIES.at(-1).open(n2)];
      open.push(...publishers);
      for (const publisher of publishers) await delivers(publisher, 'all', LIBRARIES.length);
      for (let left = LIBRARIES.length; left > 0; --left) {
        open.shift().drop();
        for (const publisher of publishers) await delivers(publisher, 'all', left - 1);
      }
    } finally {
      open.forEach((driver) => driver.drop());
    }
  });
}));

const isAbsent = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0 && `${program} is not installed`;

test('the sixth versions of both libraries', { skip: LIBRARIES.some(({ name }) => name === 'ioredis 6') ? false : 'they need Node.js 20' }, () => {});

describe('redis-cli', { skip: isAbsent('/usr/bin/redis-cli') }, () => {
  const cli = async ({ host, port }, ...args) => {
    const { code, stdout, stderr } = await run('/usr/bin/redis-cli', ['-h', host, '-p', String(port), ...args]);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout;
  };

  test('one command a call, in RESP2 and RESP3', () => withRedisNodes(1, {}, async ([n1]) => {
    for (const version of [[], ['-3']]) {
      assert.equal(await cli(n1, ...version, 'PING'), 'PONG\n');
      assert.equal(await cli(n1, ...version, '-n', '3', 'ECHO', 'a b'), 'a b\n');
      assert.equal(await cli(n1, ...version, '--no-raw', 'PUBLISH', 'c', 'x'), '(integer) 0\n');
      assert.equal(await cli(n1, ...version, '--no-raw', 'PUBSUB', 'NUMSUB', 'c'), '1) "c"\n2) (integer) 0\n');
      assert.equal(await cli(n1, ...version, '-r', '3', 'PING'), 'PONG\nPONG\nPONG\n');
      assert.match(await cli(n1, ...version, 'FOO', 'bar'), /^ERR unknown command 'FOO', with args beginning with: 'bar' /);
      assert.match(await cli(n1, ...version, 'INFO', 'server'), /^redis_version:/m);
    }
  }));

  test('commands from a pipe, and --pipe', () => withRedisNodes(1, {}, async ([n1]) => {
    for (const [args, input, wanted] of [
      [[], 'PING\nECHO "a b"\nMULTI\nPUBLISH c x\nEXEC\n', /^PONG\na b\nOK\nQUEUED\n0\n/],
      [['--pipe'], 'PING\r\nPUBLISH c x\r\n', /errors: 0, replies: 2/],
    ]) {
      const program = new Program('/usr/bin/redis-cli', ['-h', n1.host, '-p', String(n1.port), ...args], { input: true });
      program.child.stdin.end(input);
      const { code } = await program.ended;
      assert.equal(code, 0, program.output);
      assert.match(program.stdout, wanted);
    }
  }));

  test('SUBSCRIBE and PSUBSCRIBE print what comes', () => withRedisNodes(2, {}, async ([n1, n2]) => {
    for (const version of [[], ['-3']]) {
      const programs = [['SUBSCRIBE', 'c', 'd'], ['PSUBSCRIBE', 'c*'], ['SSUBSCRIBE', 'c']].map((command) =>
        new Program('/usr/bin/redis-cli', ['-h', n1.host, '-p', String(n1.port), ...version, ...command]));
      const [channels, patterns, shards] = programs;
      try {
        await waitFor('both to be subscribed', () => channels.stdout.includes('subscribe\nd\n2\n') &&
          patterns.stdout.includes('psubscribe\nc*\n1\n') && shards.stdout.includes('ssubscribe\nc\n1\n'));
        await cli(n2, 'PUBLISH', 'c', 'hello');
        await cli(n2, 'SPUBLISH', 'c', 'shard');
        await waitFor('the messages', () => channels.stdout.endsWith('message\nc\nhello\n') &&
          patterns.stdout.endsWith('pmessage\nc*\nc\nhello\n') && shards.stdout.endsWith('smessage\nc\nshard\n'));
      } finally {
        programs.forEach((program) => program.kill());
        await Promise.all(programs.map(({ ended }) => ended));
      }
    }
  }));
});

describe('redis-benchmark', { skip: isAbsent('/usr/bin/redis-benchmark') }, () => {
  test('publishes from 20 connections, in pipelines and not', () => withRedisNodes(1, {}, async ([n1]) => {
    for (const pipelined of ['1', '16']) {
      const { code, stdout, stderr } = await run('/usr/bin/redis-benchmark',
        ['-h', n1.host, '-p', String(n1.port), '-n', '3000', '-c', '20', '-P', pipelined, '-q', 'PUBLISH', 'c', 'x'], { ms: 30_000 });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /requests per second/);
    }
  }));
});

const noRedisPy = spawnSync('/usr/bin/python3', ['-c', 'import redis'], { stdio: 'ignore' }).status !== 0 && 'python3-redis is not installed';

test('redis-py', { skip: noRedisPy }, () => withRedisNodes(2, {}, async ([n1, n2]) => {
  const { code, stdout, stderr } = await run('/usr/bin/python3', [PYTHON_CLIENT, n1.url, n2.url], { ms: 50_000 });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^all is well$/m);
}));
