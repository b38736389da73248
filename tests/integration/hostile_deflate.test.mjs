// Compressed frames that no client would send: each ends its own connection, with a stated code, and nothing else.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { APP, client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { FrameSocket, frame } from '../support/js/frames.mjs';
import { waitFor } from '../support/js/wait.mjs';

const MEGABYTE = 1 << 20;
const EXTENSION = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const PING = '{"event":"pusher:ping","data":{}}';
const BOMB = deflated('a'.repeat(100 * MEGABYTE)); // 100 KB that become 100 MB
const BLOCKS = Buffer.alloc(600_000).map((_, i) => [0, 0, 0, 0xff, 0xff][i % 5]); // stored blocks, all of them empty

/** What a client sends for `text`, without the mark of the flush (RFC 7692, 7.2.1). */
function deflated(text) {
  return zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** A message in frames of `size` bytes, of which the first says that it is compressed. */
function fragments(payload, size, last = true) {
  const count = Math.ceil(payload.length / size);
  return Array.from({ length: count }, (_, i) => frame({
    first: (i === 0 ? 0x41 : 0x00) | (last && i === count - 1 ? 0x80 : 0), payload: payload.subarray(i * size, (i + 1) * size),
  }));
}

const announced = (length, first = 0xc1) => frame({ first, payload: deflated('a'.repeat(1000)), length, lengthBytes: 8 });

/** Name, what is sent, and the code that the connection is closed with. */
const ATTACKS = [
  ['a length of 2^40', [announced(1n << 40n)], [1009]],
  ['a length of 2^63', [announced(1n << 63n)], [1009]],
  ['a length of 2^64 - 1', [announced((1n << 64n) - 1n)], [1009]],
  ['a length of 2^31', [announced(1n << 31n)], [1009]],
  ['a continuation of 2^62', [fragments(deflated(PING), 5, false)[0], announced(1n << 62n, 0x80)], [1009]],
  ['continuations whose sum overflows', [announced(70_000n, 0x41).subarray(0, 14), Buffer.alloc(70_000), announced((1n << 64n) - 2n, 0x80)], [1009, 1007]],
  ['a bomb in one frame', [frame({ first: 0xc1, payload: BOMB })], [1009]],
  ['a bomb in fragments', fragments(BOMB, 4096), [1009]],
  ['a bomb in tiny fragments', fragments(BOMB, 10), [1008, 1009]],
  ['a bomb that never ends', fragments(BOMB, 4096, false), [1009]],
  ['empty blocks without end', fragments(BLOCKS, 8192), [1009]],
  ['bytes that are no deflate', [frame({ first: 0xc1, payload: Buffer.alloc(500, 0xff) })], [1007]],
  ['a compressed message that is cut off', [frame({ first: 0xc1, payload: deflated('abcdefgh'.repeat(99)).subarray(0, 7) }), frame({ first: 0xc1, payload: Buffer.alloc(40, 0xee) })], [1007, 1002]],
  ['a last block with rubbish after it', [frame({ first: 0xc1, payload: Buffer.concat([zlib.deflateRawSync(PING), Buffer.alloc(40, 0xee)]) })], [1007]],
  ['compressed bytes that are no UTF-8', [frame({ first: 0xc1, payload: deflated(Buffer.from([0xff, 0xfe, 0xfd])) })], [1007]],
  ['RSV1 on a continuation', [frame({ first: 0x41, payload: deflated(PING).subarray(0, 5) }), frame({ first: 0xc0, payload: deflated(PING).subarray(5) })], [1002]],
  ['RSV1 on a ping', [frame({ first: 0xc9, payload: deflated('a') })], [1002]],
  ['RSV1 on a Close', [frame({ first: 0xc8, payload: deflated('a') })], [1002]],
  ['RSV2 and RSV3', [frame({ first: 0xf1, payload: deflated(PING) })], [1002]],
  ['an unmasked compressed frame', [frame({ first: 0xc1, payload: deflated(PING), masked: false })], [1002]],
];

/** What a client may send: the answer to the ping that it holds must come. */
const GOOD = [
  ['one frame', [frame({ first: 0xc1, payload: deflated(PING) })]],
  ['a last block, as encoders end a stream that know no flush (RFC 7692, 7.2.3.4)',
    [frame({ first: 0xc1, payload: Buffer.concat([zlib.deflateRawSync(PING), Buffer.alloc(1)]) })]],
  ['the same without the octet behind it', [frame({ first: 0xc1, payload: zlib.deflateRawSync(PING) })]],
  ['many blocks, of which the last is marked', fragments(Buffer.concat([
    zlib.deflateRawSync(`{"event":"pusher:ping","data":${JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i * i))}}`, { memLevel: 1 }), Buffer.alloc(1)]), 1000)],
  ['fragments of one byte', fragments(deflated(PING), 1)],
  ['with empty fragments and a ping between', [...fragments(deflated(PING), 9, false), frame({ first: 0x00 }), frame({ first: 0x89, payload: 'x' }), frame({ first: 0x80 })]],
  ['stored, not compressed', [frame({ first: 0xc1, payload: zlib.deflateRawSync(PING, { level: 0, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4) })]],
  ['100 KB of data that cannot be compressed', [frame({ first: 0xc1, payload: deflated(JSON.stringify({
    event: 'pusher:ping', data: Array.from({ length: 4_000 }, () => Math.random().toString(36)).join('').slice(0, 100_000),
  })) })]],
];

for (const shards of [1, 4]) {
  describe(`${shards} shards`, () => {
    let cluster;
    let node;
    let bystander;
    let received;

    before(async () => {
      cluster = await Cluster.create(1, { args: ['--permessage-deflate', '--shards', `${shards}`] });
      [node] = cluster.nodes;
      await cluster.start();
      bystander = client(node);
      received = inbox(await subscribed(bystander, 'bystander'), 'tick');
    });
    after(async () => {
      bystander?.disconnect();
      await cluster?.stop();
    });

    async function undisturbed() {
      assert.ok(!node.program.hasEnded, node.log);
      const n = received.length;
      await server(node).trigger('bystander', 'tick', { n });
      await waitFor('the event for the bystander', () => received.length > n);
      assert.equal(bystander.connection.state, 'connected');
    }

    const open = () => new FrameSocket(node, EXTENSION).open();

    for (const [name, frames, codes] of ATTACKS) {
      test(name, async () => {
        const sockets = await Promise.all(Array.from({ length: 2 * shards }, open));
        for (const socket of sockets) {
          assert.match(socket.head, /permessage-deflate/);
          socket.write(...frames);
        }
        for (const socket of sockets) {
          await waitFor('the Close frame', () => socket.code !== null);
          assert.ok(codes.includes(socket.code), `closed with ${socket.code}`);
          socket.drop();
        }
        await undisturbed();
      });
    }

    for (const [name, frames] of GOOD) {
      test(`good: ${name}`, async () => {
        const socket = await open();
        socket.write(...frames);
        await waitFor('the pong', () => socket.code !== null || socket.texts.some(({ event }) => event === 'pusher:pong'));
        assert.equal(socket.code, null);
        socket.drop();
      });
    }

    test('an empty compressed message is no JSON, and the connection goes on', async () => {
      const socket = await open();
      socket.write(frame({ first: 0xc1, payload: Buffer.from([0]) }), frame({ first: 0xc1, payload: deflated(PING) }));
      await waitFor('an answer', () => socket.texts.length >= 3 || socket.code !== null);
      assert.deepEqual(socket.texts.slice(1).map(({ event }) => event), ['pusher:error', 'pusher:pong']);
      socket.drop();
      await undisturbed();
    });

    test('nothing was an exception, and the log is short', async () => {
      assert.equal(await node.metric('tulle_failures_total'), 0);
      assert.ok(await node.metric('tulle_bad_frames_total') >= ATTACKS.length * 2 * shards);
      assert.ok(node.log.split('\n').length < 20, node.log);
      assert.ok(!node.log.includes(APP.secret));
    });
  });
}
