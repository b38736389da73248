// Strangers at the mesh ports, and a mesh whose nodes have no descriptors left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import { describe, test } from 'node:test';
import { TulleNode, withCluster } from '../support/js/cluster.mjs';
import { parts } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';
import { firstMessage, handshake, message, peer } from '../support/js/zmtp.mjs';

const REFUSED = 'tulle_mesh_inbound_refused_total';
const CUT = 'tulle_mesh_inbound_cut_total';

const descriptorsOf = async (node) => (await fs.readdir(`/proc/${node.program.pid}/fd`)).length;
const allowDescriptors = (node, count) => execFileSync('prlimit', ['--pid', String(node.program.pid), `--nofile=${count}:`]);

/** Until the other side has closed. */
const ended = (socket) => within(15_000, 'the end of the connection', new Promise((resolve) => {
  socket.on('error', resolve).on('close', resolve).on('data', () => {});
}));

async function sent(address, bytes) {
  const socket = net.connect(parts(address), () => socket.write(bytes));
  await ended(socket);
}

/** A frame of ZMTP 1.0: a length that counts the flags, the flags, the body. */
function oldFrame(body) {
  const length = Buffer.alloc(9, 0xff);
  length.writeBigUInt64BE(BigInt(body.length + 1), 1);
  return Buffer.concat([body.length < 254 ? Buffer.from([body.length + 1]) : length, Buffer.from([0]), body]);
}

/** What a page can send without being asked: to ZMTP 1.0 an identity of 79 bytes, a frame to the end of the head, and the body. */
function post(body) {
  const end = ' HTTP/1.1\r\nHost: x:1\r\n\r\n';
  return Buffer.concat([Buffer.from(`POST /${'i'.repeat(75)}zb${'j'.repeat(121 - end.length)}${end}`), oldFrame(body)]);
}

const zmtp2 = (body, socketType) => Buffer.concat([
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, socketType, 0, 0]), message(body)]);

describe('strangers at the mesh ports', () => {
  test('a knock by HTTP, ZMTP 1.0 or 2.0 makes nobody a member; the same by ZMTP 3 does', () => withCluster(1, { keys: false }, async ({ nodes: [n1], directory }) => {
    const listener = net.createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const n2 = new TulleNode('n2', directory);
    const knocked = firstMessage(listener);
    try {
      n2.launch([`127.0.0.1:${listener.address().port}`]);
      const knock = await within(10_000, 'a knock of n2', knocked);
      const before = await n1.metric(REFUSED);
      for (const address of [n1.ports.mesh, n1.ports.mesh_data]) {
        for (const bytes of [post(knock), Buffer.concat([oldFrame(Buffer.alloc(0)), oldFrame(knock)]), zmtp2(knock, 5)]) {
          await sent(address, bytes);
        }
      }
      await waitFor('them to be counted', async () => (await n1.metric(REFUSED)) === before + 6);
      assert.deepEqual((await n1.status()).members, []);

      const socket = await peer(n1.ports.mesh, 'DEALER');
      socket.write(message(knock));
      await waitFor('n2 to be a member', async () => (await n1.stateOf('n2')) === 'alive');
      socket.destroy();
    } finally {
      n2.program?.kill('SIGKILL');
      listener.close();
    }
  }));

  test('three thousand idle connections leave descriptors for the nodes', async () => {
    await withCluster(2, { planned: true, start: false, keys: false }, async (cluster) => {
      const [n1, n2] = cluster.nodes;
      n1.descriptors = 1024;
      n1.launch();
      await n1.ready();
      const idle = new Set();
      const crowd = () => {
        while (idle.size < 3_000) {
          const socket = net.connect(parts(idle.size % 2 ? n1.ports.mesh : n1.ports.mesh_data));
          idle.add(socket);
          if (idle.size % 5 === 0) socket.on('connect', () => socket.write(handshake('DEALER')));
          socket.on('error', () => {}).on('data', () => {}).on('close', () => idle.delete(socket));
        }
      };
      crowd();
      try {
        await waitFor('many to be ended', async () => (await n1.metric(CUT)) > 1_000);
        n2.launch([n1.ports.mesh]);
        await waitFor('n2 to join', async () => {
          crowd();
          return (await n1.stateOf('n2')) === 'alive';
        }, { ms: 20_000 });
        await waitFor('the descriptors to be bounded', async () => (await descriptorsOf(n1)) < 250);
      } finally {
        idle.forEach((socket) => socket.destroy());
      }
    });
  });
});

describe('without descriptors', () => {
  test('a node outlives the death, the restart and the joining of others, and finds them all', () =>
    withCluster(3, { planned: true, start: false }, async (cluster) => {
      const [n1, n2, n3] = cluster.nodes;
      n1.launch();
      await n1.bound();
      n2.launch([n1.ports.mesh]);
      await cluster.whole([n1, n2]);
      allowDescriptors(n1, 3); // fewer than it has: not one more
      await n2.kill();
      // Dead by its silence, and to be dialled again.
      await waitFor('n1 to have no descriptor for it', () => n1.log.includes('is put off'));
      for (let i = 0; i < 2; ++i) {
        await n2.restart([n1.ports.mesh]);
        await waitFor('n2 to have bound', () => n2.bound());
        await n2.kill();
      }
      await n2.restart([n1.ports.mesh]);
      n3.launch([n1.ports.mesh]);
      await Promise.all([n2.bound(), n3.bound()]);
      assert.ok(!n1.program.hasEnded, n1.log);
      allowDescriptors(n1, 1024);
      await cluster.whole(cluster.nodes, { ms: 10_000 });
      n1.mustRun();
      assert.ok(await n1.metric('tulle_mesh_connections_put_off_total') > 0);
    }));
});
