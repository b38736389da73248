// A planned stop: clients first, mesh last. Nothing that was accepted while somebody was subscribed is lost by it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { APP, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { Flow, Listener } from '../support/js/flow.mjs';
import { parts, request } from '../support/js/http.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const STOPS = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1' ? 50 : 3;
const PER_SECOND = 2_000;
const LISTENERS = 4; // of the node that stops, so that each of four shards has some
/**
 * A message on its way to a node when that node writes a Close comes too late for it. On a machine that is loaded by other tests
 * it may take so long; a frozen peer once made it two seconds.
 */
const IN_FLIGHT_MS = 250;

async function stopUnderFlow({ cluster, leaver, frozen }) {
  const others = cluster.nodes.filter((node) => node !== leaver);
  const listeners = await Promise.all([...Array.from({ length: LISTENERS }, () => leaver), ...others]
    .map((node) => new Listener().open(node)));
  const flows = cluster.nodes.map((node) => new Flow(node, PER_SECOND / cluster.nodes.length));
  const closing = listeners.slice(0, LISTENERS);
  const staying = listeners.slice(LISTENERS);
  try {
    // Of each flow, so that nothing is under way to a node that has only just been thawed.
    await waitFor('the flows to reach everybody', () => flows.every((flow) => listeners.every(({ got }) => got.has(`${flow.id}:200`))));
    if (frozen) await freeze(frozen.program.pid);
    leaver.program.kill('SIGTERM');
    await Promise.all(closing.map(({ raw }) => raw.end()));
    await leaver.gone();
  } finally {
    frozen?.program.kill('SIGCONT');
    await Promise.all(flows.map((flow) => flow.stop()));
  }
  assert.equal(leaver.program.child.exitCode, 0);
  for (const listener of closing) {
    assert.equal(listener.end.code, 4200);
    const lost = listener.lost(flows, IN_FLIGHT_MS);
    assert.ok(lost.length <= listener.announced, `${lost.length} lost, as ${JSON.stringify(lost.slice(0, 5))}`);
  }
  for (const listener of staying) {
    await waitFor(`${listener.node.name} to have what was accepted anywhere`,
      () => listener.lost(flows).length <= listener.announced);
  }
  listeners.forEach((listener) => listener.assertOnce());
  listeners.forEach(({ raw }) => raw.drop());
}

for (const shards of [1, 4]) {
  for (const beside of ['nodes that are well', 'a frozen one']) {
    test(`${STOPS} stops in turn beside ${beside}, ${shards} shards: what was accepted came before the Close`,
      () => withCluster(3, { planned: true, topology: 'all', args: ['--shards', `${shards}`] }, async (cluster) => {
        for (let stop = 0; stop < STOPS; ++stop) {
          const leaver = cluster.nodes[stop % 3];
          const frozen = beside === 'a frozen one' ? cluster.nodes[(stop + 1) % 3] : undefined;
          await stopUnderFlow({ cluster, leaver, frozen });
          await leaver.restart(cluster.peersOf(stop % 3, 'all'));
          await cluster.whole();
        }
      }));
  }
}

/** A client that goes to the next node that lets it in whenever it is closed; each stay is a Listener of its own. */
class Mover {
  stays = [];

  constructor(nodes, first) {
    Object.assign(this, { nodes, at: first });
    this.run = this.move();
  }

  async move() {
    while (!this.stopped) {
      const stay = new Listener();
      try {
        await stay.open(this.nodes[this.at]);
        this.stays.push(stay);
        await stay.raw.closed;
      } catch { // not there, or not any more
        stay.raw?.drop();
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
      this.at = (this.at + 1) % this.nodes.length;
    }
  }

  async stop() {
    this.stopped = true;
    this.stays.at(-1).raw.drop();
    await this.run;
  }
}

test('a rolling restart of three nodes: who moves misses nothing of any of its stays',
  () => withCluster(3, { planned: true, topology: 'all' }, async (cluster) => {
    const movers = Array.from({ length: 6 }, (_, i) => new Mover(cluster.nodes, i % 3));
    const flows = cluster.nodes.map((node) => new Flow(node, PER_SECOND / cluster.nodes.length));
    const hasNews = (stay) => flows.every(({ id, accepted }) =>
      accepted.size && [...accepted.keys()].slice(-50).some((number) => stay.got.has(`${id}:${number}`)));
    const here = () => movers.every(({ stays }) => stays.length && !stays.at(-1).end && hasNews(stays.at(-1)));
    for (const [index, node] of cluster.nodes.entries()) {
      await waitFor('everybody to have come somewhere', here);
      node.program.kill('SIGTERM');
      await node.gone();
      assert.equal(node.program.child.exitCode, 0);
      await node.restart(cluster.peersOf(index, 'all'));
      await cluster.whole();
    }
    await Promise.all(flows.map((flow) => flow.stop()));
    const stays = movers.flatMap((mover) => mover.stays);
    await waitFor('the last messages', () => movers.every((mover) => {
      const last = mover.stays.at(-1);
      return last.lost(flows).length <= last.announced;
    }));
    for (const stay of stays) {
      stay.assertOnce();
      const lost = stay.lost(flows, IN_FLIGHT_MS);
      assert.ok(lost.length <= stay.announced, `${lost.length} lost at ${stay.node.name}, as ${JSON.stringify(lost.slice(0, 5))}`);
    }
    assert.ok(stays.filter(({ end }) => end?.code === 4200).length >= movers.length, 'each was closed at least once');
    await Promise.all(movers.map((mover) => mover.stop()));
  }));

/** A WebSocket that is subscribed, and then reads nothing and answers nothing. */
async function deafClient(node) {
  const socket = net.connect(parts(node.ports.listen));
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (bytes) => { text += bytes.toString('latin1'); });
  socket.on('error', () => {});
  socket.write(`GET /app/${APP.key}?protocol=7 HTTP/1.1\r\nHost: ${node.ports.listen}\r\nUpgrade: websocket\r\n` +
    'Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  await waitFor('the connection to be established', () => text.includes('pusher:connection_established'));
  return { socket, closed: once(socket, 'close'), said: () => text };
}

test('while a client is attached the node stays a member that lets nobody in; whoever does not answer is cut, and counted',
  () => withCluster(2, { planned: true }, async ({ nodes: [n1, n2] }) => {
    const reader = await new Listener().open(n2);
    const deaf = await deafClient(n2);
    n2.program.kill('SIGTERM');
    assert.equal((await reader.raw.end()).code, 4200);
    assert.equal((await request(n2.ports.admin, '/ready')).status, 503);
    // Each shard closes its own listener in its own turn.
    await waitFor('all listeners to be closed', () => request(n2.ports.listen, '/up').then(() => false, (error) => /ECONNREFUSED/.test(error)));
    await waitFor('the deaf client to be sent its Close', () => deaf.said().includes('4200'));
    assert.equal(await n1.stateOf('n2'), 'alive');
    await within(10_000, 'the deaf client to be cut', deaf.closed);
    await n2.gone();
    assert.equal(n2.program.child.exitCode, 0);
    assert.match(n2.log, /1 clients have been cut/);
    assert.equal(await n1.stateOf('n2'), 'left');
  }));

test('what is published at a node that drains reaches the others, and each connection ends with its answer',
  () => withCluster(2, { planned: true }, async ({ nodes: [n1, n2] }) => {
    const listener = await new Listener().open(n1);
    const flow = new Flow(n2, 1_000);
    await waitFor('the flow', () => listener.got.size > 100);
    const deaf = await deafClient(n2); // so that the drain lasts
    n2.program.kill('SIGTERM');
    await n2.gone();
    await flow.stop();
    deaf.socket.destroy();
    await waitFor('what was accepted', () => listener.lost([flow]).length === 0);
    listener.raw.drop();
  }));

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} asks for an orderly end, a second one for haste, and a third one for the end at once`, () => withCluster(1, {}, async ({ nodes: [node] }) => {
    const deaf = await deafClient(node);
    node.program.kill(signal);
    await waitFor('the Close', () => deaf.said().includes('4200'));
    const asked = performance.now();
    await waitFor('the end in haste, by signals a second later each', () => {
      node.program.kill(signal);
      return node.program.hasEnded;
    }, { ms: 5_000, every: 100 });
    const { code } = await node.program.ended;
    assert.equal(code, 1);
    assert.ok(performance.now() - asked > 900, 'echoes within a second do not count');
    await deaf.closed;
  }));
}

test('a kept HTTP connection that was just used brings one more request, whose answer ends it; one that is idle ends at once',
  () => withCluster(1, {}, async ({ nodes: [node] }) => {
    const open = async () => {
      const socket = net.connect(parts(node.ports.listen));
      const seen = { socket, text: '', isClosed: false };
      socket.setEncoding('latin1').on('data', (text) => { seen.text += text; });
      socket.on('close', () => { seen.isClosed = true; }).on('error', () => {});
      socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n');
      await waitFor('the answer', () => seen.text.endsWith('OK\n'));
      seen.text = '';
      return seen;
    };
    const idle = await open();
    const idleSince = Date.now();
    await waitFor('a second to pass', () => Date.now() - idleSince > 1_200);
    const used = await open();
    const fresh = net.connect(parts(node.ports.listen));
    await once(fresh, 'connect');
    node.program.kill('SIGTERM');
    await waitFor('the idle one to end', () => idle.isClosed);
    assert.equal(used.isClosed, false);
    for (const socket of [used.socket, fresh]) {
      let text = '';
      socket.setEncoding('latin1').on('data', (part) => { text += part; });
      socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'close');
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n/);
    }
    await node.gone();
  }));

test('SIGHUP does not shorten a drain', () => withCluster(2, { planned: true }, async ({ nodes: [n1, n2] }) => {
  const deaf = await deafClient(n2);
  n2.program.kill('SIGTERM');
  await waitFor('the Close', () => deaf.said().includes('4200'));
  n2.program.kill('SIGHUP');
  await server(n1).trigger('any', 'thing', {}); // n1 goes on
  assert.equal(await n1.stateOf('n2'), 'alive');
  assert.equal((await request(n2.ports.admin, '/ready')).status, 503);
  await deaf.closed;
  await n2.gone();
  assert.equal(n2.program.child.exitCode, 0);
}));
