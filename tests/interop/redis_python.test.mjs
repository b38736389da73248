// Servers in Python that are joined by Redis alone, as Debian packages them: Django's channels, and Socket.IO.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io as connect } from 'socket.io-client';
import { Program } from '../support/js/process.mjs';
import { PYTHON, PYTHON_MS as MS, clientProgram, endsWell, isAbsent } from '../support/js/python.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

test('channels_redis: groups over two nodes', { skip: isAbsent('channels_redis.pubsub', 'python3-channels-redis') }, () =>
  withRedisNodes(2, {}, ([n1, n2]) => endsWell(PYTHON, [clientProgram('channels_redis_client.py'), n1.url, n2.url])));

const noSocketIo = isAbsent('socketio, aiohttp, redis', 'python3-socketio, python3-aiohttp, python3-redis');
test('python-socketio: rooms over three nodes', { skip: noSocketIo }, () =>
  withRedisNodes(3, {}, async (places) => {
    const program = new Program(PYTHON, [clientProgram('socketio_server.py'), ...places.map(({ url }) => url)]);
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
