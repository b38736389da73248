// Clients that go where a balancer sends them, as pusher-js does: back at once after a close with 4200 to 4299.
import WebSocket from 'ws';
import { APP } from './clients.mjs';

const TARGET = `/app/${APP.key}?protocol=7&client=test&version=1.0`;

/** One client on one channel. `stays` holds when each of its connections was subscribed, and when and how it ended. */
export class Roamer {
  stays = [];
  faults = [];

  constructor(proxy, channel) {
    Object.assign(this, { proxy, channel });
    this.connect();
  }

  connect() {
    const socket = new WebSocket(`ws://${this.proxy.ports.listen}${TARGET}`, { perMessageDeflate: false });
    this.socket = socket;
    const stay = { tried: performance.now() };
    this.stays.push(stay);
    socket.on('message', (bytes) => {
      const text = bytes.toString();
      if (text.includes('connection_established')) {
        socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: this.channel } }));
      } else if (text.includes('subscription_succeeded')) {
        stay.since = performance.now();
      } else if (text.includes('"pusher:ping"')) {
        socket.send('{"event":"pusher:pong","data":{}}');
      }
    });
    socket.on('error', (error) => { stay.error = error.message; });
    socket.on('close', (code) => {
      stay.end = performance.now();
      stay.code = code;
      if (this.stopped) return;
      if (code < 4200 || code > 4299) this.faults.push(`${code} ${stay.error ?? ''} after ${Math.round(stay.end - stay.tried)} ms`);
      this.connect();
    });
  }

  get isHere() { return this.stays.at(-1).since !== undefined && this.stays.at(-1).end === undefined; }

  stop() {
    this.stopped = true;
    this.socket.terminate();
  }
}

/** `count` roamers, at most 100 of which connect at a time. */
export async function roamers(proxy, count, channelOf) {
  const all = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(100, count - all.length) }, (_, i) => new Roamer(proxy, channelOf(all.length + i)));
    all.push(...some);
    while (!some.every((one) => one.isHere)) await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  return all;
}

/** The largest number of `times`, in milliseconds, within any second. */
export function busiestSecond(times) {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; ++last) {
    while (sorted[last] - sorted[first] >= 1_000) ++first;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
