// Users who come and go at random on three nodes, one of which is killed: what each subscriber was told adds up to the truth.
// TULLE_TEST_SEED chooses the sequence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

const ROOM = 'presence-torture';
const USERS = 40;
const ROUNDS = 12;
const STEPS = 40;
const SEED = Number(process.env.TULLE_TEST_SEED ?? 1);

function generator(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** One connection of a user, and the list that it has built up from what it was told. */
class Connection {
  list = null;
  faults = [];

  constructor(node, user) {
    Object.assign(this, { node, user, raw: new RawClient(node) });
    this.raw.socket.on('message', (bytes) => this.take(JSON.parse(bytes.toString())));
  }

  async join() {
    await this.raw.open();
    const { auth, channel_data: data } = server(this.node).authorizeChannel(this.raw.socketId, ROOM, { user_id: this.user });
    this.raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
    await waitFor('the list', () => this.list);
  }

  take({ event, data }) {
    if (event === 'pusher_internal:subscription_succeeded') {
      const { ids, count, hash } = JSON.parse(data).presence;
      this.list = new Set(ids);
      if (!this.list.has(this.user)) this.faults.push('not in its own list');
      if (count !== ids.length || Object.keys(hash).length !== count) this.faults.push('a list that contradicts itself');
    } else if (event === 'pusher_internal:member_added') {
      const { user_id: id } = JSON.parse(data);
      if (!this.list || this.list.has(id)) this.faults.push(`${id} added twice, or before the list`);
      this.list?.add(id);
    } else if (event === 'pusher_internal:member_removed') {
      const { user_id: id } = JSON.parse(data);
      if (!this.list?.delete(id)) this.faults.push(`${id} removed, who was not there`);
      if (id === this.user) this.faults.push('told of its own removal');
    }
  }

  leave(how) {
    if (how === 0) this.raw.socket.close();
    else if (how === 1) this.raw.drop();
    else {
      this.raw.send({ event: 'pusher:unsubscribe', data: { channel: ROOM } });
      this.raw.socket.close();
    }
  }
}

const sorted = (names) => [...names].sort();

async function quiet(connections, nodes) {
  const truth = sorted(new Set(connections.map(({ user }) => user)));
  for (const connection of connections) {
    await waitFor(`the list of ${connection.user} at ${connection.node.name} to be true`,
      () => JSON.stringify(sorted(connection.list)) === JSON.stringify(truth));
    assert.deepEqual(connection.faults, [], `${connection.user} at ${connection.node.name}`);
  }
  for (const node of nodes) {
    const { users } = await (await server(node).get({ path: `/channels/${ROOM}/users` })).json();
    assert.deepEqual(sorted(users.map(({ id }) => id)), truth, node.name);
  }
}

test(`seed ${SEED}: ${ROUNDS * STEPS} comings and goings of ${USERS} users on three nodes, and a killed node`,
  () => withCluster(3, {}, async ({ nodes }) => {
    const below = generator(SEED);
    let connections = [];
    try {
      for (let round = 0; round < ROUNDS; ++round) {
        const joining = [];
        for (let step = 0; step < STEPS; ++step) {
          if (connections.length < 10 || below(2)) {
            const connection = new Connection(nodes[below(3)], `u${below(USERS)}`);
            connections.push(connection);
            joining.push(connection.join());
          } else {
            const [gone] = connections.splice(below(connections.length), 1);
            if (gone.list) gone.leave(below(3));
            else connections.push(gone);
          }
          if (below(4) === 0) await Promise.all(joining);
        }
        await Promise.all(joining);
        await quiet(connections, nodes);
      }
      await nodes[2].kill();
      connections = connections.filter(({ node }) => node !== nodes[2]);
      await quiet(connections, nodes.slice(0, 2));
    } finally {
      connections.forEach(({ raw }) => raw.drop());
    }
  }));
