// Work that takes long, on a node whose only shard also runs the hub: its peer must never take it for dead.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { FrameSocket, frame } from '../support/js/frames.mjs';
import { parts } from '../support/js/http.mjs';
import { waitFor } from '../support/js/wait.mjs';

const MS = 4_000;

/** Keeps a socket busy with `bytes` for as long as it lasts. */
function keepBusy(socket, bytes, until) {
  const write = () => {
    while (performance.now() < until && !socket.destroyed) {
      if (!socket.write(bytes)) {
        socket.once('drain', write);
        return;
      }
    }
    socket.destroy();
  };
  write();
}

async function isLeftAlone(harm) {
  await withCluster(2, { args: ['--shards', '1'] }, async ({ nodes: [victim, peer] }) => {
    assert.equal(victim.hub, 'shard');
    const bystander = client(victim);
    const received = inbox(await subscribed(bystander, 'news'), 'tick');
    const until = performance.now() + MS;
    await harm(victim, until);
    let published = 0;
    while (performance.now() < until) {
      await server(peer).trigger('news', 'tick', { n: ++published });
      await waitFor('the event', () => received.length === published, { ms: 2_000 });
    }
    assert.ok(published > 5);
    for (const node of [victim, peer]) {
      assert.equal(await node.metric('tulle_mesh_deaths_total'), 0, node.log);
      assert.equal(await node.metric('tulle_mesh_false_suspicions_total'), 0, node.log);
    }
    bystander.disconnect();
  });
}

test('clients whose every frame is 100 KB of nested JSON', () => isLeftAlone(async (victim, until) => {
  const payload = `{"event":"client-x","channel":"private-x","data":[${'[1,{"a":"\\u00e9"}],'.repeat(5_000)}0]}`;
  const sockets = await Promise.all(Array.from({ length: 20 }, () => new FrameSocket(victim).open()));
  for (const { socket } of sockets) keepBusy(socket, frame({ payload }), until);
}));

test('requests with as many parameters as a target holds, pipelined', () => isLeftAlone(async (victim, until) => {
  const query = Array.from({ length: 1_290 }, (_, i) => i.toString(36)).join('&').slice(0, 4_000);
  const bytes = Buffer.from(`GET /apps/app-id/channels?${query} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(10));
  for (let i = 0; i < 20; ++i) {
    const socket = net.connect(parts(victim.ports.listen));
    socket.on('error', () => {});
    socket.resume();
    keepBusy(socket, bytes, until);
  }
}));
