// A node that serves clients of Redis and is done harm, and a bystander who must not notice.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { withRedisNodes } from './redis_edge.mjs';
import { command } from './resp.mjs';
import { waitFor, within } from './wait.mjs';

const ROUND_TRIP_MS = 250; // 99 of 100 messages of the bystander come back within that, whatever is done to the node
const FEW = 100; // of fewer messages one may take longer, as one of 100 may: up to LONGEST_MS
const LONGEST_MS = 1_000;
const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK']));

/** A hostile client: counts what comes instead of keeping it, and the last bytes. */
export class Brute {
  received = 0;
  tail = '';
  isClosed = false;

  constructor({ host, port }) {
    this.socket = net.connect({ host, port, noDelay: true });
    this.socket.on('error', (error) => { this.error = error; });
    this.socket.on('data', (chunk) => {
      this.received += chunk.length;
      this.tail = (this.tail + chunk.toString('latin1')).slice(-400);
    });
    this.closed = new Promise((resolve) => { this.socket.on('close', () => { this.isClosed = true; resolve(); }); });
    this.opened = new Promise((resolve) => { this.socket.on('connect', resolve); this.socket.on('close', resolve); });
  }

  /** Resolves when the kernel has taken the bytes, or the connection has closed. */
  write(bytes) {
    return this.socket.write(bytes) || this.isClosed ? Promise.resolve()
      : Promise.race([once(this.socket, 'drain').catch(() => {}), this.closed]);
  }

  /** Until what has come ends with the text. */
  async says(text, ms = 20_000) {
    await waitFor(`${JSON.stringify(text)}, not ${JSON.stringify(this.tail)}`, () => this.tail.endsWith(text), { ms });
    return this.tail;
  }

  async ask(...args) {
    this.tail = '';
    const before = this.received;
    this.socket.write(command(...args));
    await waitFor(`an answer to ${args.slice(0, 2)}`, () => this.received > before, { ms: 20_000 });
    return this.tail;
  }

  drop() { this.socket.destroy(); }
}

/** So many connections, opened some at a time. */
export async function crowd(place, count, login) {
  const all = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(250, count - all.length) }, () => new Brute(place));
    await Promise.all(some.map(({ opened }) => opened));
    all.push(...some);
  }
  if (login) for (const brute of all) brute.write(command('AUTH', ...login));
  return all;
}

export const percentile = (times, part) => {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
};

export class RedisVictim {
  constructor(places, login) {
    Object.assign(this, { places, place: places[0], node: places[0].node, login });
  }

  async startBystander() {
    const at = ({ host, port }) => ({ host, port });
    this.bystander = new Worker(new URL('./redis_bystander.mjs', import.meta.url), {
      workerData: { publishAt: at(this.places.at(-1)), subscribeAt: at(this.place), login: this.login },
    });
    this.bystander.on('message', ({ failed }) => { this.failed ??= failed; });
    await waitFor('the bystander to begin', async () => (await this.measured()).length > 10, { every: 100 });
  }

  async measured(isLast = false) {
    const answer = new Promise((resolve) => {
      const take = ({ times }) => { if (times) { this.bystander.off('message', take); resolve(times); } };
      this.bystander.on('message', take);
    });
    this.bystander.postMessage({ isLast });
    return within(10_000, 'what the bystander has measured', answer);
  }

  async stop() { if (this.bystander) await this.measured(true).catch(() => this.bystander.terminate()); }

  /** Megabytes: now, and at most since forgetPeak(). */
  async memory(field = 'VmRSS') {
    const text = await fs.readFile(`/proc/${this.node.program.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(text)[1]) / 1024;
  }

  forgetPeak() { return fs.writeFile(`/proc/${this.node.program.pid}/clear_refs`, '5'); }

  /** Seconds of CPU that the node has used. */
  async cpu() {
    const fields = (await fs.readFile(`/proc/${this.node.program.pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
  }

  /**
   * Does `harm`. What is asked of the node at any harm: it goes on, it takes no more than so much memory at any time, it does not fill the
   * log, and the bystander notices nothing.
   */
  async bears(name, harm, { megabytes = 64, ms = ROUND_TRIP_MS, lines = 20 } = {}) {
    await this.measured();
    const before = await this.memory();
    await this.forgetPeak();
    const logged = this.node.log.split('\n').length;
    const begun = performance.now();
    const cpu = await this.cpu();
    const result = await harm();
    const seconds = (performance.now() - begun) / 1000;
    const used = await this.cpu() - cpu;
    const times = await this.measured();
    const grown = (await this.memory('VmHWM')) - before;
    const p99 = percentile(times, 0.99);
    console.log(`# ${name}: ${seconds.toFixed(1)} s, ${times.length} round trips, p50 ${percentile(times, 0.5).toFixed(1)} ms, ` +
      `p99 ${p99.toFixed(1)} ms, longest ${Math.max(...times).toFixed(0)} ms; at most ${grown.toFixed(0)} MB more; ${used.toFixed(1)} s of CPU`);
    assert.ok(!this.node.program.hasEnded, 'the node goes on');
    assert.equal(this.failed, undefined, 'the bystander is served');
    const longest = Math.max(...times);
    const isBorne = times.length < FEW ? times.filter((time) => time >= ms).length <= 1 && longest < Math.max(ms, LONGEST_MS) : p99 < ms;
    assert.ok(isBorne, `p99 of the bystander is ${p99.toFixed(0)} ms, longest ${longest.toFixed(0)} ms, of ${times.length}`);
    assert.ok(grown < megabytes, `${grown.toFixed(0)} MB more than before, not ${megabytes}`);
    const said = this.node.log.split('\n').length - logged;
    assert.ok(said <= lines, `${said} lines in the log`);
    return result;
  }
}

/** Runs `body` with a node that is to be done harm, or a mesh of them. `login`: user and password, where the realm has one. */
export async function withRedisVictim({ nodes = 1, args = [], password } = {}, body) {
  const login = password && ['default', password];
  await withRedisNodes(nodes, { args, password }, async (places) => {
    const victim = new RedisVictim(places, login);
    try {
      await victim.startBystander();
      await body(victim);
    } finally {
      await victim.stop();
    }
  });
}
