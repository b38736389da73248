// A flood of handshakes at the mesh ports of nodes with keys. libzmq spends a curve multiplication on each HELLO before any check.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { withCluster } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';

const THREADS = 4;
const SECONDS = 8;

/** Says HELLO with random bytes for a key, again and again, each time on a connection of its own. Counts the connections that ended. */
const FLOOD = `
const net = require('node:net');
const { randomBytes } = require('node:crypto');
const { workerData, parentPort } = require('node:worker_threads');
const greeting = Buffer.alloc(64);
greeting[0] = 0xff; greeting[9] = 0x7f; greeting[10] = 3; greeting.write('CURVE', 12);
const hello = () => Buffer.concat([greeting, Buffer.from([0x04, 200]), Buffer.from('\\x05HELLO\\x01\\x00', 'latin1'), Buffer.alloc(72), randomBytes(32 + 8 + 80)]);
let ended = 0;
let stopping = false;
function one() {
  if (stopping) return;
  const [host, port] = workerData.ports[ended % workerData.ports.length].split(':');
  const socket = net.connect({ host, port: Number(port) }, () => socket.write(hello()));
  socket.on('error', () => {}).on('data', () => {}).on('close', () => { ended += 1; one(); });
}
for (let i = 0; i < 16; ++i) one();
parentPort.on('message', () => { stopping = true; parentPort.postMessage(ended); });
`;

describe('a flood of handshakes', () => {
  test('at all mesh ports of three nodes is nobody\'s death, and holds deliveries up for less than 50 ms', () => withCluster(3, {}, async ({ nodes }) => {
    const urls = nodes.flatMap(({ ports }) => ['--url', `ws://${ports.listen}`]);
    const relay = (seconds) => run('tulle', ['bench', 'relay', ...urls, '--subscribers', '4', '--rate', '200', '--seconds', String(seconds), '--json'],
      { env: { TULLE_APP_SECRET: 'app-secret' }, ms: 60_000 });
    const floods = [...Array(THREADS)].map(() => new Worker(FLOOD, {
      eval: true, workerData: { ports: nodes.flatMap(({ ports }) => [ports.mesh, ports.mesh_data]) },
    }));
    const { code, stdout } = await relay(SECONDS);
    const counts = await Promise.all(floods.map((worker) => new Promise((resolve) => {
      worker.on('message', resolve);
      worker.postMessage('stop');
    })));
    await Promise.all(floods.map((worker) => worker.terminate()));
    const handshakes = counts.reduce((sum, count) => sum + count, 0);
    assert.equal(code, 0, stdout);
    assert.ok(handshakes > 500 * SECONDS, `only ${handshakes} handshakes`);
    const { missing, duplicates, latency_us: latency } = JSON.parse(stdout).run;
    assert.deepEqual({ missing, duplicates }, { missing: 0, duplicates: 0 });
    assert.ok(latency.p99 < 50_000, JSON.stringify(latency));
    for (const node of nodes) {
      assert.equal(await node.metric('tulle_mesh_deaths_total'), 0, node.log);
      assert.equal(await node.metric('tulle_mesh_malformed_messages_total'), 0);
      assert.ok(await node.metric('tulle_mesh_inbound_refused_total') > 100);
    }
    console.log(`# ${handshakes} handshakes, p99 ${latency.p99} us`);
  }));
});
