// A node that is done harm, and a bystander on it who must not notice.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { APP, client, inbox, server, subscribed } from './clients.mjs';
import { Cluster } from './cluster.mjs';
import { parts } from './http.mjs';
import { waitFor, within } from './wait.mjs';

/** No bystander waits longer for what is published, whatever is done to the node. */
const NOTICED_MS = 3_000;

export class Victim {
  published = 0;

  /** Starts it; `apps`: what the configuration has besides the app of the bystander, which may send client events. */
  async start(apps = '') {
    this.cluster = await Cluster.create(1);
    [this.node] = this.cluster.nodes;
    const file = path.join(this.cluster.directory, 'tulled.toml');
    await fs.writeFile(file, `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\nclient_events = true\n${apps}`);
    this.node.args = ['--config', file];
    await this.cluster.start();
    this.bystander = client(this.node);
    this.received = inbox(await subscribed(this.bystander, 'bystander'), 'tick');
    return this;
  }

  /** Ends it. Its log must be whole lines of JSON, whatever was sent, and hold no secret. */
  async stop() {
    this.bystander?.disconnect();
    const { log } = this.node;
    await this.cluster.stop();
    assert.ok(!log.includes(APP.secret), 'the secret is in the log');
    for (const line of log.split('\n').filter(Boolean)) assert.equal(typeof JSON.parse(line).msg, 'string', line);
  }

  async residentMegabytes() {
    const text = await fs.readFile(`/proc/${this.node.program.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)[1]) / 1024;
  }

  async undisturbed() {
    assert.ok(!this.node.program.hasEnded, this.node.log);
    const begun = performance.now();
    for (let i = 0; i < 3; ++i) await server(this.node).trigger('bystander', 'tick', { n: ++this.published });
    await waitFor('the events for the bystander', () => this.received.length >= this.published);
    assert.deepEqual(this.received.map(({ n }) => n), Array.from({ length: this.published }, (_, i) => i + 1));
    assert.ok(performance.now() - begun < NOTICED_MS);
    assert.equal(this.bystander.connection.state, 'connected');
  }

  /**
   * Does `harm`. What is asked of the node at any harm: it is counted (`counter` grows by `times` at least), it takes no more
   * than so much memory, it does not fill the log, and the bystander notices nothing.
   */
  async bears(harm, { counter, times = 1, megabytes = 16, lines = 20 }) {
    const count = await this.node.metric(counter);
    const memory = await this.residentMegabytes();
    const logged = this.node.log.split('\n').length;
    await Promise.all([harm(), this.undisturbed()]);
    await waitFor(`${counter} to grow by ${times}`, async () => (await this.node.metric(counter)) >= count + times);
    const grown = (await this.residentMegabytes()) - memory;
    assert.ok(grown < megabytes, `${grown} MB more than before`);
    const said = this.node.log.split('\n').length - logged;
    assert.ok(said <= lines, `${said} lines in the log: ${this.node.log.split('\n').slice(-3).join('\n')}`);
    await this.undisturbed();
  }

  /** Sends bytes, then what `more` writes; answers what came back once the node has closed. */
  throwAt(bytes, { more, ms = 15_000 } = {}) {
    const back = [];
    return within(ms, 'the node to close the connection', new Promise((resolve) => {
      const socket = net.connect(parts(this.node.ports.listen), () => {
        if (bytes) socket.write(bytes);
        more?.(socket);
      });
      socket.on('data', (part) => back.push(part));
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(back).toString('latin1')));
    }));
  }
}

/** Writes a byte now and then until the socket closes. */
export function trickle(socket, every = 500) {
  const timer = setInterval(() => socket.write('a'), every);
  socket.on('close', () => clearInterval(timer));
}

export const statusOf = (text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
