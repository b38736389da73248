// A thread of its own beside a hostile crowd: publishes one message after the other, and takes the time until each has come back to its
// subscriber. A test that is busy itself would measure nothing but itself.
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { command } from './resp.mjs';

const PAUSE_MS = 2;
const { publishAt, subscribeAt, login } = workerData;
const CHANNEL = `bystander ${process.pid} ${Math.random()}`;

const subscriber = net.connect({ host: subscribeAt.host, port: subscribeAt.port, noDelay: true });
const publisher = net.connect({ host: publishAt.host, port: publishAt.port, noDelay: true });
const failed = (what) => (error) => parentPort.postMessage({ failed: `${what}: ${error?.message ?? 'closed'}` });
let isOver = false;
for (const [name, socket] of [['subscriber', subscriber], ['publisher', publisher]]) {
  socket.on('error', failed(name));
  socket.on('close', () => isOver || failed(name)());
  if (login) socket.write(command('AUTH', ...login));
}
publisher.resume();

let times = [];
let sent = 0;
let sentAt = 0;
let head = Buffer.alloc(0);
function publish() {
  sentAt = performance.now();
  publisher.write(command('PUBLISH', CHANNEL, `<${++sent}>`));
}
subscriber.on('data', (chunk) => {
  head = Buffer.concat([head, chunk]);
  const text = head.toString('latin1');
  if (sent === 0 ? !text.includes(`subscribe\r\n$${CHANNEL.length}`) || !text.endsWith(':1\r\n') : !text.includes(`<${sent}>\r\n`)) return;
  head = Buffer.alloc(0);
  if (sent > 0) times.push(performance.now() - sentAt);
  setTimeout(publish, PAUSE_MS);
});
subscriber.write(command('SUBSCRIBE', CHANNEL));

/** What has been measured since the last question; the message that is under way counts with the time that it has taken so far. */
parentPort.on('message', ({ isLast }) => {
  const all = sent > 0 && !head.length ? [...times, performance.now() - sentAt] : times;
  times = [];
  parentPort.postMessage({ times: all });
  if (!isLast) return;
  isOver = true;
  subscriber.destroy();
  publisher.destroy();
  parentPort.close();
});
