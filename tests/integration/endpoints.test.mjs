// What is served where, and when a node says that it is ready.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';

const status = async (address, path) => (await request(address, path)).status;

test('/live, /up and /ready are on both listeners, /metrics and /v1/status on the admin listener only',
  () => withCluster(1, {}, async ({ nodes: [{ ports }] }) => {
    for (const path of ['/live', '/up', '/ready']) {
      assert.equal(await status(ports.listen, path), 200);
      assert.equal(await status(ports.admin, path), 200);
    }
    for (const path of ['/metrics', '/v1/status']) {
      assert.equal(await status(ports.listen, path), 404);
      assert.equal(await status(ports.admin, path), 200);
    }
    assert.equal(await status(ports.admin, '/apps/app-id/channels'), 404);
    assert.equal(await status(ports.listen, '/demo/nodes.json'), 404);
  }));

test('HEAD is answered without a body, so that the connection goes on; apps have a health path of their own',
  () => withCluster(1, {}, async ({ nodes: [{ ports }] }) => {
    const [host, port] = ports.listen.split(':');
    const socket = net.connect(Number(port), host);
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => { text += data; });
    socket.write('HEAD /up HTTP/1.1\r\nHost: a\r\n\r\nGET /up/app-id HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => { socket.on('close', resolve); });
    const answers = text.split('\r\n\r\n');
    assert.match(answers[0], /^HTTP\/1\.1 200 [^]*Content-Length: 3$/m);
    assert.match(answers[1], /^HTTP\/1\.1 200 /);
    assert.equal(answers[2], 'OK\n');
    assert.equal(await status(ports.listen, '/up/unknown'), 404);
    assert.equal(await status(ports.listen, '/accept-traffic'), 200);
  }));

test('/metrics is in the text format and counts', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const answer = await request(node.ports.admin, '/metrics');
  assert.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  for (const line of answer.body.trimEnd().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) (tulle|process)_\w+ .+|(?:tulle|process)_\w+(\{[^{}]*\})? \S+)$/);
  }
  const before = await node.metric('tulle_http_publishes_total');
  await server(node).trigger('news', 'greeting', 'hello');
  assert.equal(await node.metric('tulle_http_publishes_total'), before + 1);
}));

test('a joining node is up but not ready, and refuses clients until it has joined or waited long enough', async () => {
  const silent = net.createServer(() => {});
  await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
  try {
    await withCluster(1, { start: false }, async ({ nodes: [node] }) => {
      node.launch([`127.0.0.1:${silent.address().port}`]);
      await node.bound();
      assert.equal(await status(node.ports.admin, '/ready'), 503);
      assert.equal(await status(node.ports.listen, '/ready'), 503);
      assert.equal(await status(node.ports.listen, '/up'), 200);
      const raw = new RawClient(node);
      await raw.end();
      assert.match(raw.error.message, /503/);
      await assert.rejects(server(node).trigger('news', 'greeting', 'hello'), { status: 503 });
      await node.ready();
      await new RawClient(node).open().then((late) => late.drop());
    });
  } finally {
    silent.close();
    silent.unref();
  }
});
