// Node.js `ws` as its documentation shows a broadcast: what comes from /pub goes to every client of /sub.
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { announce, options } from './listening.mjs';

const { port } = options([]);
const server = http.createServer();
const subscribers = new Set();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket, request) => {
  socket.on('error', () => socket.terminate());
  if (request.url.startsWith('/sub')) {
    subscribers.add(socket);
    socket.on('close', () => subscribers.delete(socket));
    return;
  }
  socket.on('message', (data) => {
    for (const subscriber of subscribers) subscriber.send(data, { binary: false });
  });
});
announce(server, port);
