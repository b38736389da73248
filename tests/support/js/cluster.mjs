// Meshes of real nodes on loopback.
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { request } from './http.mjs';
import { plannedAddresses } from './ports.mjs';
import { Program } from './process.mjs';
import { waitFor, within } from './wait.mjs';

const START_MS = 10_000;
const STOP_MS = 20_000;
/** The key of all test meshes: the secret is 0, 1, 2, … 31. */
export const MESH_KEY = 'tulle-mesh-1 829002f2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
const ANY_PORTS = { listen: '127.0.0.1:0', mesh: '127.0.0.1:0', mesh_data: '127.0.0.1:0', admin: '127.0.0.1:0' };

/**
 * One node. `ports` holds its addresses once it is bound; they stay the same over a restart if they were planned. `tulled`: the path of
 * another program than that of the tree that is tested.
 * Its mesh key is the file mesh.key in the directory; without that file, `keys` is empty.
 */
export class TulleNode {
  earlierLogs = '';
  adminHeaders = {}; // with a token, where the admin listener wants one

  constructor(name, directory, { addresses = ANY_PORTS, args = [], env = {}, under = [] } = {}) {
    Object.assign(this, { name, directory, addresses, args, env, under });
    const key = path.join(directory, 'mesh.key');
    this.keys = existsSync(key) ? [key] : [];
    this.hub = /[13579]$/.test(name) ? 'shard' : 'thread'; // so that a mesh has both
    this.ports = addresses;
    this.portsFile = path.join(directory, `${name}.ports.json`);
  }

  /** Starts the process, without waiting for anything. `peers`: mesh addresses. */
  launch(peers = []) {
    if (this.program) this.earlierLogs += this.program.output;
    const addresses = Object.entries(this.addresses).flatMap(([role, at]) => [`--${role.replace('_', '-')}`, at]);
    this.program = new Program(this.tulled ?? 'tulled', [
      '--name', this.name, ...addresses, '--ports-file', this.portsFile, '--hub', this.hub,
      ...(this.keys.length ? ['--mesh-keys', this.keys.join(',')] : []),
      ...(peers.length ? ['--peers', peers.join(',')] : []), ...this.args,
      // A drain that waits for balancers, and spreads the ends of clients, is tested where that is the subject. The variables give way to flags.
    ], { env: { TULLE_DRAIN_GRACE: '0', TULLE_DRAIN_DURATION: '0', ...this.env }, descriptors: this.descriptors, under: this.under });
  }

  get log() { return this.earlierLogs + this.program.output; }

  /** Until its log has the text, or matches the pattern: a node that runs writes its log on a thread of its own, later than what the log tells of. */
  says(what) {
    return waitFor(`${this.name} to say ${what}`, () => (typeof what === 'string' ? this.log.includes(what) : what.test(this.log)));
  }

  /** Until it has bound its ports. */
  async bound() {
    const text = await waitFor(`${this.name} to write its ports`, () => {
      this.mustRun();
      return fs.readFile(this.portsFile, 'utf8');
    }, { ms: START_MS });
    this.ports = JSON.parse(text);
    return this.ports;
  }

  /** Until it serves clients. */
  async ready() {
    await this.bound();
    await waitFor(`${this.name} to be ready`, async () => {
      this.mustRun();
      return (await request(this.ports.admin, '/ready')).status === 200;
    }, { ms: START_MS });
  }

  mustRun() {
    if (this.program.hasEnded) throw new Error(`${this.name} has ended with code ${this.program.child.exitCode}`);
  }

  async status() {
    const answer = await request(this.ports.admin, '/v1/status', { headers: this.adminHeaders });
    if (answer.status !== 200) throw new Error(`${this.name} answers /v1/status with ${answer.status}`);
    return JSON.parse(answer.body);
  }

  /** The state of another node in the eyes of this one; undefined when it knows none of that name. */
  async stateOf(name) {
    const members = (await this.status()).members.filter((member) => member.name === name);
    return (members.find((member) => member.state === 'alive') ?? members[0])?.state;
  }

  async metric(name) {
    const { body } = await request(this.ports.admin, '/metrics', { headers: this.adminHeaders });
    const line = body.split('\n').find((text) => text.startsWith(`${name} `) || text.startsWith(`${name}{`));
    if (line === undefined) throw new Error(`${this.name} has no metric ${name}`);
    return Number(line.slice(line.lastIndexOf(' ')));
  }

  /** Kills it so that it can say nothing any more. */
  async kill() {
    this.program.kill('SIGKILL');
    await this.gone();
  }

  gone(ms = STOP_MS) { return within(ms, `the end of ${this.name}`, this.program.ended); }

  async restart(peers) {
    await fs.rm(this.portsFile, { force: true });
    this.launch(peers);
  }
}

/** Which nodes each one is told of: by position, of all before it that are bound or planned. */
const TOPOLOGIES = {
  chain: (i) => (i > 0 ? [i - 1] : []),
  star: (i) => (i > 0 ? [0] : []),
  all: (i, count) => Array.from({ length: count }, (_, j) => j).filter((j) => j !== i),
};

export class Cluster {
  constructor(nodes, directory) { Object.assign(this, { nodes, directory }); }

  /**
   * `planned`: the ports are chosen beforehand, so that a node can be restarted on the same ones. Otherwise each has port 0,
   * and is told only of nodes that were bound before it. `under`: the command that runs each of them (prlimit, say).
   * `keys: false`: a mesh without keys, for strangers that speak ZMTP by hand and for programs from before keys.
   */
  static async create(count, { planned = false, args = [], env = {}, under = [], keys = true } = {}) {
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-test-'));
    if (keys) await fs.writeFile(path.join(directory, 'mesh.key'), `${MESH_KEY}\n`, { mode: 0o600 });
    const nodes = [];
    for (let i = 0; i < count; ++i) {
      const addresses = planned ? await plannedAddresses() : ANY_PORTS;
      nodes.push(new TulleNode(`n${i + 1}`, directory, { addresses, args, env, under }));
    }
    return new Cluster(nodes, directory);
  }

  peersOf(index, topology) {
    return TOPOLOGIES[topology](index, this.nodes.length).map((i) => this.nodes[i].ports.mesh);
  }

  async start(topology = 'chain') {
    for (const [index, node] of this.nodes.entries()) {
      node.launch(this.peersOf(index, topology));
      await node.bound();
    }
    await this.whole();
  }

  /** Until each node serves clients and sees every other of `nodes` alive. */
  async whole(nodes = this.nodes, { ms = START_MS } = {}) {
    await Promise.all(nodes.map((node) => node.ready()));
    await Promise.all(nodes.map((node) => waitFor(`${node.name} to see the others alive`, async () => {
      const alive = (await node.status()).members.filter((member) => member.state === 'alive').map(({ name }) => name);
      return nodes.every((other) => other === node || alive.includes(other.name));
    }, { ms })));
  }

  /** Resolves when all nodes say that they are ready for clients: those that keep keys have taken the keys over. */
  async ready({ ms = 20_000 } = {}) {
    await Promise.all(this.nodes.map((node) => waitFor(`${node.name} to be ready`, async () => (
      (await fetch(`http://${node.ports.admin}/ready`)).status === 200), { ms })));
  }

  async stop() {
    const started = this.nodes.filter((node) => node.program);
    started.forEach((node) => node.program.kill('SIGTERM'));
    try {
      await Promise.all(started.map((node) => node.gone()));
    } finally {
      started.forEach((node) => node.program.kill('SIGKILL'));
      await fs.rm(this.directory, { recursive: true, force: true });
    }
  }

  logs() {
    return this.nodes.filter((node) => node.program)
      .map((node) => node.log.split('\n').map((line) => `${node.name} | ${line}`).join('\n')).join('\n');
  }
}

/**
 * Runs `body` with a mesh and ends it afterwards, whatever comes; when something fails, with the logs of all nodes.
 * `start: false`: the body starts the nodes.
 */
export async function withCluster(count, options, body) {
  const { topology = 'chain', start = true, ...others } = options;
  const cluster = await Cluster.create(count, others);
  try {
    if (start) await cluster.start(topology);
    await body(cluster);
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
}
