// A steady flow of numbered messages into nodes, and listeners that keep what they got and when: what a judge needs to say of each
// message whether a listener was owed it.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { APP, RawClient } from './clients.mjs';
import { parts } from './http.mjs';

const BATCH = 10; // what an app allows by default
const CHANNELS = 4;
export const channelName = (number) => `flow-${number % CHANNELS}`;
const CHANNEL_NAMES = Array.from({ length: CHANNELS }, (_, i) => channelName(i));

/** The path of a POST with this body, with the parameters that sign it. */
export function signed(path, body) {
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0` +
    `&body_md5=${createHash('md5').update(body).digest('hex')}`;
  return `${path}?${query}&auth_signature=${createHmac('sha256', APP.secret).update(`POST\n${path}\n${query}`).digest('hex')}`;
}

/** Publishes at one node in batches, one after the other on a few kept connections, until stop(). */
export class Flow {
  static next = 0;
  accepted = new Map(); // number to the time of its answer
  sent = 0;

  constructor(node, perSecond, connections = 4) {
    this.id = ++Flow.next;
    this.node = node;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    this.everyMs = (BATCH * 1000 * connections) / perSecond;
    this.runs = Array.from({ length: connections }, () => this.run());
  }

  async run() {
    let due = performance.now();
    while (!this.stopped) {
      await this.publish(Array.from({ length: BATCH }, () => ++this.sent));
      due = Math.max(due + this.everyMs, performance.now() - 200); // a node that was slow is not flooded afterwards
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }

  publish(numbers) {
    const path = `/apps/${APP.appId}/batch_events`;
    const body = JSON.stringify({
      batch: numbers.map((number) => ({ channel: channelName(number), name: 'n', data: `${this.id}:${number}` })),
    });
    return new Promise((resolve) => {
      const request = http.request({
        ...parts(this.node.ports.listen), path: signed(path, body), method: 'POST', agent: this.agent, timeout: 10_000,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      }, (answer) => {
        answer.resume();
        answer.on('end', () => {
          const at = performance.now();
          if (answer.statusCode === 200) numbers.forEach((number) => this.accepted.set(number, at));
          resolve(answer.statusCode);
        });
        answer.on('error', () => resolve(0));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => { setTimeout(resolve, 20); });
      request.end(body);
    });
  }

  async stop() {
    this.stopped = true;
    await Promise.all(this.runs);
    this.agent.destroy();
  }
}

/** A client of one node that subscribes to all channels of the flows. */
export class Listener {
  got = new Map(); // "flow:number" to the time
  twice = [];
  announced = 0;

  async open(node) {
    this.node = node;
    this.raw = await new RawClient(node).open();
    this.raw.closed.then(({ code }) => { this.end = { code, at: performance.now() }; });
    CHANNEL_NAMES.forEach((channel) => this.raw.send({ event: 'pusher:subscribe', data: { channel } }));
    for (const channel of CHANNEL_NAMES) await this.raw.next('pusher_internal:subscription_succeeded');
    this.since = performance.now();
    this.raw.socket.removeAllListeners('message').on('message', (bytes) => this.take(JSON.parse(bytes.toString())));
    for (const frame of this.raw.frames.splice(0)) this.take(frame);
    return this;
  }

  take({ event, data }) {
    if (event === 'n') {
      if (this.got.has(data)) this.twice.push(data);
      this.got.set(data, performance.now());
    } else if (event === 'tulle:gap') {
      this.announced += JSON.parse(data).missing ?? 1;
    }
  }

  /** What was answered 200 while it was subscribed, `inFlightMs` before the end of that at the latest, and has not come. */
  lost(flows, inFlightMs = 0) {
    const until = (this.end?.at ?? Infinity) - inFlightMs;
    return flows.flatMap((flow) => [...flow.accepted]
      .filter(([number, at]) => at > this.since && at < until && !this.got.has(`${flow.id}:${number}`))
      .map(([number, at]) => ({ message: `${flow.id}:${number}`, at })));
  }

  assertOnce() { assert.deepEqual(this.twice, []); }
}
