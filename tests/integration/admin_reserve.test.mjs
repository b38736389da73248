// Every door of a node held at once: the public listener full, and crowds on the mesh ports and on the admin listener. Whoever asks for
// /ready or /metrics is answered all the same.
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { upgrade } from '../support/js/frames.mjs';
import { parts, request } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { handshake } from '../support/js/zmtp.mjs';

const UP = 'GET /up HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const few = (descriptors) => ({ under: ['prlimit', `--nofile=${descriptors}:${descriptors}`] });

/** Keeps `count` connections to an address, each of which sends `bytes(i)` and reads what comes; new ones for those that are ended. */
class Crowd {
  held = new Set();
  made = 0;
  goesOn = true;

  constructor(address, count, bytes) {
    Object.assign(this, { address, count, bytes });
    this.fill();
  }

  fill() {
    while (this.goesOn && this.held.size < this.count) {
      const text = this.bytes(this.made++);
      const socket = net.connect(parts(this.address), () => text && socket.write(text));
      this.held.add(socket);
      socket.on('error', () => {}).on('data', () => {}).on('close', () => {
        this.held.delete(socket);
        setImmediate(() => this.fill());
      });
    }
  }

  end() {
    this.goesOn = false;
    this.held.forEach((socket) => socket.destroy());
  }
}

async function answers(node, ready) {
  for (let i = 0; i < 10; ++i) {
    assert.equal((await request(node.ports.admin, '/ready')).status, ready);
    assert.equal((await request(node.ports.admin, '/metrics')).status, 200);
    assert.equal((await request(node.ports.listen, '/ready')).status, ready);
  }
}

describe('every door at once', () => {
  for (const descriptors of [300, 400, 1024]) {
    test(`with ${descriptors} descriptors`, { timeout: 120_000 }, () => withCluster(1, { args: ['--shards', '2'], ...few(descriptors) }, async ({ nodes: [node] }) => {
      const crowds = [
        new Crowd(node.ports.listen, descriptors, () => upgrade()),
        new Crowd(node.ports.mesh, descriptors, (i) => (i % 3 ? '' : handshake('DEALER'))),
        new Crowd(node.ports.mesh_data, descriptors, (i) => (i % 3 ? '' : handshake('SUB'))),
        new Crowd(node.ports.admin, descriptors / 2, (i) => ['', 'GET /re', UP][i % 3]),
      ];
      try {
        await waitFor('the house to be full', async () => (await request(node.ports.admin, '/ready')).status === 503, { ms: 30_000 });
        await answers(node, 503);
      } finally {
        crowds.forEach((crowd) => crowd.end());
      }
      await waitFor('the node to be ready again', () => answers(node, 200).then(() => true), { ms: 30_000 });
      assert.ok(!node.program.hasEnded, node.log);
      const told = node.log.split('\n').filter((line) => line.includes('cannot accept connections'));
      assert.ok(told.length <= 3, `a line for each listener at most:\n${told.join('\n')}`);
    }));
  }
});
