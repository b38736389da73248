// socket.io: what a publisher emits goes to the room of the subscribers; with --redis PORT on every node that has that Redis.
import http from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { announce, options } from './listening.mjs';

const { port, redis } = options(['redis']);
const server = http.createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });

if (redis !== undefined) {
  const publisher = createClient({ url: `redis://127.0.0.1:${redis}` });
  const subscriber = publisher.duplicate();
  for (const client of [publisher, subscriber]) {
    client.on('error', (error) => {
      console.error(`error: Redis: ${error.message}`);
      process.exit(1);
    });
  }
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}

io.on('connection', (socket) => {
  if (socket.handshake.query.role === 'sub') socket.join('bench');
  socket.on('pub', (text) => io.to('bench').emit('msg', text));
});
announce(server, port);
