// Servers in Python that are joined by Redis alone, as Debian packages them: Django's channels, and Socket.IO.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { io as connect } from 'socket.io-client';
import { Program, run } from '../support/js/process.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const PYTHON = '/usr/bin/python3';
const MS = 40_000; // of which most are for Python to find its modules, on a machine that is busy
const path = (name) => fileURLToPath(new URL(`../support/clients/${name}.py`, import.meta.url));
/** Why a test is left out; false when Python finds the modules. */
const isAbsent = (modules, packages) =>
  spawnSync(PYTHON, ['-c', `import ${modules}`], { stdio: 'ignore' }).status !== 0 && `not all of these is installed: ${packages}`;

test('channels_redis: groups over two nodes', { skip: isAbsent('channels_redis.pubsub', 'python3-channels-redis') }, () =>
  withRedisNodes(2, {}, async ([n1, n2]) => {
    const { code, stdout, stderr } = await run(PYTHON, [path('channels_redis_client'), n1.url, n2.url], { ms: MS });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^all is well$/m);
  }));

const noSocketIo = isAbsent('socketio, aiohttp, redis', 'python3-socketio, python3-aiohttp, python3-redis');
test('python-socketio: rooms over three nodes', { skip: noSocketIo }, () =>
  withRedisNodes(3, {}, async (places) => {
    const program = new Program(PYTHON, [path('socketio_server'), ...places.map(({ url }) => url)]);
    const clients = [];
    try {
      const [, ...ports] = await waitFor('the servers', () => {
        if (program.hasEnded) throw new Error(program.output);
        return program.stdout.match(/^ports (\d+) (\d+) (\d+)\n/);
      }, { ms: MS });
      const heard = ports.map(() => []);
      for (const [i, port] of ports.entries()) {
        const client = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false, forceNew: true });
        clients.push(client);
        client.on('said', (what) => heard[i].push(what));
        await within(MS, 'a client to connect', new Promise((resolve) => { client.once('connect', resolve); }));
      }
      for (const client of clients) { // their managers do not tell when they are subscribed
        await waitFor('what one says to be heard by all', () => {
          client.emit('all', `by ${client.id}`);
          return heard.every((one) => one.includes(`by ${client.id}`));
        }, { ms: MS, every: 100 });
      }
      for (const client of clients.slice(0, 2)) assert.equal(await client.timeout(MS).emitWithAck('enter', 'room'), 'in');
      for (let n = 0; n < 100; ++n) clients[2].emit('say', 'room', n);
      // Its handlers run side by side, each with a connection of its own: all must arrive once, in any order.
      const numbers = (one) => one.filter((what) => typeof what === 'number').sort((x, y) => x - y);
      await waitFor('the room to hear', () => heard.slice(0, 2).every((one) => numbers(one).length >= 100), { ms: MS });
      const all = Array.from({ length: 100 }, (_, n) => n);
      assert.deepEqual(heard.map(numbers), [all, all, []]);
      const end = Buffer.from([0, 255]);
      clients[0].emit('all', end);
      await waitFor('bytes', () => heard.every((one) => one.some((what) => Buffer.isBuffer(what) && what.equals(end))), { ms: MS });
    } finally {
      clients.forEach((client) => client.disconnect());
      program.kill('SIGKILL');
      await program.ended;
    }
  }));
