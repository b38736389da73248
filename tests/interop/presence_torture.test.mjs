// Users who come and go at random on three nodes, which are killed and started again meanwhile: what each subscriber was told
// adds up to the truth. TULLE_TEST_SEED chooses the sequence; --full (or TULLE_TEST_FULL=1) makes it five times as long.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { APP, RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { generator } from '../support/js/random.mjs';
import { waitFor } from '../support/js/wait.mjs';

const ROOM = 'presence-torture';
const USERS = 200;
const STEPS = 100;
const ROUNDS = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1' ? 100 : 20;
const ROUNDS_PER_KILL = 4;
/** Connections between which the population is kept: enough that most users are there, few enough for two cores. */
const FEW = 60;
const MANY = 180;
const SEED = Number(process.env.TULLE_TEST_SEED ?? 1);

/** One connection of a user, and the list that it has built up from what it was told. */
class Connection {
  list = null;
  lists = 0;
  log = [];
  faults = [];
  isLeaving = false;

  constructor(node, user) {
    Object.assign(this, { node, user, raw: new RawClient(node) });
    this.raw.socket.on('message', (bytes) => this.take(JSON.parse(bytes.toString())));
    this.raw.closed.then(({ code }) => { if (!this.isLeaving) this.faults.push(`closed by its node with ${code}`); });
  }

  async join() {
    await waitFor(`${this.node.name} to greet ${this.user}`, () => this.raw.frames.length > 0 || this.isLeaving);
    if (this.isLeaving) return;
    await this.raw.open();
    await this.enter();
  }

  async enter() {
    const before = this.lists;
    const { auth, channel_data: data } = server(this.node).authorizeChannel(this.raw.socketId, ROOM, { user_id: this.user });
    this.raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
    await waitFor(`the list for ${this.user} at ${this.node.name}`, () => this.lists > before || this.isLeaving);
  }

  take({ event, data }) {
    if (this.raw.socketId) this.raw.frames.length = 0;
    if (event === 'pusher_internal:subscription_succeeded') this.begin(JSON.parse(data).presence);
    else if (event === 'pusher_internal:member_added') this.added(JSON.parse(data).user_id);
    else if (event === 'pusher_internal:member_removed') this.removed(JSON.parse(data).user_id);
  }

  begin({ ids, count, hash }) {
    this.list = new Set(ids);
    ++this.lists;
    if (!this.list.has(this.user)) this.faults.push('not in its own list');
    if (count !== ids.length || this.list.size !== count || Object.keys(hash).length !== count) this.faults.push('a list that contradicts itself');
  }

  added(id) {
    if (!this.list || this.list.has(id)) this.faults.push(`${id} added twice, or before the list`);
    this.list?.add(id);
    this.log.push(`+${id}`);
  }

  removed(id) {
    if (!this.list?.delete(id)) this.faults.push(`${id} removed, who was not there`);
    if (id === this.user) this.faults.push('told of its own removal');
    this.log.push(`-${id}`);
  }

  /** An orderly close, a lost socket, or an unsubscription before the close. */
  leave(how) {
    this.isLeaving = true;
    if (how === 0) this.raw.drop();
    else {
      if (how === 1) this.raw.send({ event: 'pusher:unsubscribe', data: { channel: ROOM } });
      this.raw.socket.close();
    }
  }

  /** Out of the room and in again on the same connection, which is told of others until its node has read that it is out. */
  reenter() {
    this.raw.send({ event: 'pusher:unsubscribe', data: { channel: ROOM } });
    return this.enter();
  }
}

const sorted = (names) => [...names].sort();

/** The crowd, and the sequence of what it does. */
class Torture {
  connections = [];
  operations = 0;

  constructor(cluster, below) { Object.assign(this, { cluster, below, nodes: cluster.nodes }); }

  come(nodes, user = `u${this.below(USERS)}`) {
    const connection = new Connection(nodes[this.below(nodes.length)], user);
    this.connections.push(connection);
    ++this.operations;
    return connection.join();
  }

  step(joining) {
    const { length } = this.connections;
    if (length < FEW || (length < MANY && this.below(2) === 0)) {
      joining.push(this.come(this.nodes));
      return;
    }
    const at = this.below(length);
    const connection = this.connections[at];
    if (!connection.list) return;
    ++this.operations;
    if (this.below(8) === 0) joining.push(connection.reenter());
    else this.connections.splice(at, 1)[0].leave(this.below(3));
  }

  async round() {
    const joining = [];
    const end = this.operations + STEPS;
    while (this.operations < end) {
      this.step(joining);
      if (this.below(6) === 0) await Promise.all(joining);
    }
    await Promise.all(joining);
    await this.quiet();
  }

  /** Until each list is the truth, on each node; then nobody may have been told anything wrong on the way. */
  async quiet(nodes = this.nodes) {
    const truth = sorted(new Set(this.connections.map(({ user }) => user)));
    for (const connection of this.connections) {
      await waitFor(`the list of ${connection.user} at ${connection.node.name} to be true`,
        () => connection.list?.size === truth.length && truth.every((user) => connection.list.has(user)));
      assert.deepEqual(connection.faults, [], `${connection.user} at ${connection.node.name}`);
    }
    for (const node of nodes) {
      const { users } = await (await server(node).get({ path: `/channels/${ROOM}/users` })).json();
      assert.deepEqual(sorted(users.map(({ id }) => id)), truth, node.name);
    }
  }

  /**
   * Kills a node at rest, with some users on their way into it. Half of those who were on it alone come back at once on another
   * node: nobody else is to hear of that. `isBackAtOnce`: the node is started again before it can be missed.
   */
  async kill(isBackAtOnce) {
    const killed = this.nodes[this.below(this.nodes.length)];
    const others = this.nodes.filter((node) => node !== killed);
    const elsewhere = new Set(this.connections.filter(({ node }) => node !== killed).map(({ user }) => user));
    const alone = sorted(new Set(this.connections.filter(({ node }) => node === killed).map(({ user }) => user)))
      .filter((user) => !elsewhere.has(user));
    const movers = alone.filter((_, i) => i % 2 === 0);
    const arriving = Array.from({ length: 5 }, (_, i) => this.come([killed], `late${i}`));
    const lost = this.connections.filter(({ node }) => node === killed);
    lost.forEach((connection) => { connection.isLeaving = true; });
    this.connections = this.connections.filter(({ node }) => node !== killed);
    const marks = new Map(this.connections.map((connection) => [connection, connection.log.length]));
    await killed.kill();
    lost.forEach(({ raw }) => raw.drop());
    if (isBackAtOnce) await this.restart(killed, others);
    await Promise.all([...arriving, ...movers.map((user) => this.come(others, user))]);
    if (!isBackAtOnce) await waitFor(`${killed.name} to be missed`, async () => (await others[0].stateOf(killed.name)) !== 'alive');
    await this.quiet(others);
    for (const [connection, mark] of marks) {
      const heard = connection.log.slice(mark).filter((line) => movers.includes(line.slice(1)));
      assert.deepEqual(heard, [], `${connection.user} at ${connection.node.name} heard of users who had only moved`);
    }
    if (!isBackAtOnce) await this.restart(killed, others);
    await this.cluster.whole();
    return movers.length;
  }

  restart(node, others) { return node.restart(others.map(({ ports }) => ports.mesh)); }
}

/** A room for all, of members that are small. */
async function configure({ nodes, directory }) {
  const file = path.join(directory, 'tulled.toml');
  await fs.writeFile(file, `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\n` +
    `max_presence_members = ${USERS + 50}\nmax_presence_member_bytes = 256\n`);
  nodes.forEach((node) => { node.args = ['--config', file]; });
}

test(`seed ${SEED}: ${ROUNDS * STEPS} comings and goings of ${USERS} users on three nodes, of which one is killed now and then`,
  () => withCluster(3, { planned: true, start: false }, async (cluster) => {
    await configure(cluster);
    await cluster.start('all');
    const torture = new Torture(cluster, generator(SEED));
    let moved = 0;
    try {
      for (let round = 1; round <= ROUNDS; ++round) {
        await torture.round();
        if (round % ROUNDS_PER_KILL === 0) moved += await torture.kill(round % (2 * ROUNDS_PER_KILL) === 0);
      }
      await torture.quiet();
      assert.ok(torture.operations >= ROUNDS * STEPS && moved > 0);
    } finally {
      torture.connections.forEach(({ raw }) => raw.drop());
    }
  }));
