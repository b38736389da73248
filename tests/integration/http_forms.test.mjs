// HTTP/1.x in every form that a server must accept or may be sent by programs that people have: RFC 9110 and 9112.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { APP } from '../support/js/clients.mjs';
import { Cluster, withCluster } from '../support/js/cluster.mjs';
import { frame, upgrade } from '../support/js/frames.mjs';
import { parts } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const KILOBYTE = 1024;
const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const DATE = /^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/m;

let cluster;
let node;
before(async () => {
  cluster = await Cluster.create(1);
  [node] = cluster.nodes;
  await cluster.start();
});
after(() => cluster?.stop());

/** A connection that reads answer after answer. */
class Wire {
  bytes = Buffer.alloc(0);
  isClosed = false;

  constructor(address) {
    this.socket = net.connect(parts(address));
    this.socket.on('data', (part) => { this.bytes = Buffer.concat([this.bytes, part]); });
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.isClosed = true; });
  }

  send(bytes) { this.socket.write(bytes); return this; }

  /** The next answer; of a HEAD request it has no body. */
  async answer({ isHead = false } = {}) {
    let end = -1;
    await waitFor('the head of an answer', () => { end = this.bytes.indexOf('\r\n\r\n'); return end >= 0 || this.isClosed; });
    assert.ok(end >= 0, 'closed without an answer');
    const head = this.bytes.subarray(0, end).toString('latin1');
    const length = isHead ? 0 : Number(/^Content-Length: (\d+)$/im.exec(head)?.[1] ?? 0);
    await waitFor('the body of an answer', () => this.bytes.length >= end + 4 + length || this.isClosed);
    const body = this.bytes.subarray(end + 4, end + 4 + length).toString();
    this.bytes = this.bytes.subarray(end + 4 + length);
    return { status: Number(head.slice(9, 12)), head, body, field: (name) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] };
  }

  async closed() { await waitFor('the end of the connection', () => this.isClosed); }
  end() { this.socket.destroy(); }
}

async function ask(bytes, { address = node.ports.listen, ...options } = {}) {
  const wire = new Wire(address);
  try {
    return await wire.send(bytes).answer(options);
  } finally {
    wire.end();
  }
}

/** The beginning of a signed request up to its Host. `target`: what is sent for the path. */
function signed(method, body = '', { target = (path) => path, version = '1.1', at = 'channels' } = {}) {
  const path = `/apps/${APP.appId}/${method === 'POST' ? 'events' : at}`;
  const digest = body ? `&body_md5=${crypto.createHash('md5').update(body).digest('hex')}` : '';
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0${digest}`;
  const signature = crypto.createHmac('sha256', APP.secret).update(`${method}\n${path}\n${query}`).digest('hex');
  return `${method} ${target(`${path}?${query}&auth_signature=${signature}`)} HTTP/${version}\r\nHost: a\r\n`;
}

const EVENT = JSON.stringify({ name: 'e', channel: 'news', data: 'd' });
const publish = (fields, body, options) => `${signed('POST', EVENT, options)}Content-Type: application/json\r\n${fields}\r\n${body}`;
const WHOLE = `Content-Length: ${EVENT.length}\r\n`;
const bothPorts = (body) => async () => {
  for (const address of [node.ports.listen, node.ports.admin]) await body(address);
};
const host = (address) => `Host: ${address}\r\n`;

describe('what is offered is no demand', () => {
  const offers = {
    'h2c, as curl --http2': 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n',
    'TLS/1.2, as Apache HttpClient 5': 'Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n',
    'a list': 'Connection: Upgrade\r\nUpgrade: h2c, TLS/1.2, IRC/6.9\r\n',
    'several fields': 'Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: TLS/1.2\r\n',
    'an empty one': 'Connection: Upgrade\r\nUpgrade:\r\n',
    'no connection option': 'Upgrade: websocket\r\n',
  };
  for (const [what, fields] of Object.entries(offers)) {
    test(`${what}: served, and the connection goes on, on both ports`, bothPorts(async (address) => {
      const wire = new Wire(address);
      for (let i = 0; i < 2; ++i) {
        const { status, body, field } = await wire.send(`GET /up HTTP/1.1\r\n${host(address)}${fields}\r\n`).answer();
        assert.deepEqual([status, body, field('connection')], [200, 'OK\n', undefined]);
      }
      wire.end();
    }));

    test(`${what}: a publish with it`, async () => {
      assert.equal((await ask(publish(fields + WHOLE, EVENT))).status, 200);
    });
  }

  test('a WebSocket is found among other offers', async () => {
    for (const fields of [{ Upgrade: 'h2c, websocket' }, { Upgrade: ['h2c', 'WebSocket'] }, { Connection: ['keep-alive', 'Upgrade'] }]) {
      assert.equal((await ask(upgrade(undefined, fields))).status, 101, JSON.stringify(fields));
    }
  });

  test('the admin port has no WebSockets, and serves what else was asked', async () => {
    for (const fields of [{}, { 'Sec-WebSocket-Key': null }, { 'Sec-WebSocket-Version': '8' }]) {
      const { status, body } = await ask(upgrade('/up', { Host: node.ports.admin, ...fields }), { address: node.ports.admin });
      assert.deepEqual([status, body], [200, 'OK\n']);
    }
  });

  test('where clients connect, a request without an upgrade is told what is missing', async () => {
    for (const head of ['GET /app/app-key?protocol=7 HTTP/1.1\r\nHost: a\r\n\r\n', upgrade('', {}, 'GET /app/app-key?protocol=7 HTTP/1.0'),
      upgrade(undefined, { Connection: 'keep-alive' })]) {
      const { status, body, field } = await ask(head);
      assert.deepEqual([status, field('upgrade')], [426, 'websocket']);
      assert.match(body, /Upgrade: websocket/);
    }
  });
});

describe('versions and connections', () => {
  test('HTTP/1.0 with keep-alive: said in the answer, and kept, on both ports', bothPorts(async (address) => {
    const wire = new Wire(address);
    for (let i = 0; i < 3; ++i) {
      const { status, field } = await wire.send('GET /up HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n').answer();
      assert.deepEqual([status, field('connection')], [200, 'keep-alive']);
    }
    const { field } = await wire.send('GET /up HTTP/1.0\r\n\r\n').answer();
    assert.equal(field('connection'), 'close');
    await wire.closed();
  }));

  test('HTTP/1.1: kept, unless it is asked to close', async () => {
    const wire = new Wire(node.ports.listen);
    assert.equal((await wire.send('GET /up HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n').answer()).status, 200);
    const { status, field } = await wire.send('GET /up HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n').answer();
    assert.deepEqual([status, field('connection')], [200, 'close']);
    await wire.closed();
  });

  test('a later minor version is 1.1, a later major one is told so', async () => {
    assert.equal((await ask('GET /up HTTP/1.3\r\nHost: a\r\n\r\n')).status, 200);
    assert.equal((await ask('GET /up HTTP/2.0\r\nHost: a\r\n\r\n')).status, 505);
  });

  test("HTTP/2 without an upgrade: 505 to the preface, whatever follows it, and the end, on both ports", bothPorts(async (address) => {
    for (const more of ['', '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\x02\0\0\0\0\x02\0\0\0\0']) {
      const wire = new Wire(address);
      const { status, body } = await wire.send(Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${more}`, 'latin1')).answer();
      assert.equal(status, 505);
      assert.match(body, /HTTP\/1\.1 is spoken here/);
      await wire.closed();
    }
  }));

  test('publishes in HTTP/1.0', async () => {
    const wire = new Wire(node.ports.listen);
    for (let i = 0; i < 2; ++i) {
      const { status } = await wire.send(publish(`Connection: keep-alive\r\nExpect: 100-continue\r\n${WHOLE}`, EVENT, { version: '1.0' })).answer();
      assert.equal(status, 200, 'and no 100 before it');
    }
    wire.end();
  });

  test('empty lines before a request are skipped, and do not shorten a kept connection', bothPorts(async (address) => {
    const wire = new Wire(address);
    for (const lines of ['\r\n', '\r\n\r\n\r\n', '\r', '']) {
      wire.send(lines);
      await new Promise(setImmediate);
      const rest = lines === '\r' ? '\n' : '';
      assert.equal((await wire.send(`${rest}GET /up HTTP/1.1\r\n${host(address)}\r\n`).answer()).status, 200, JSON.stringify(lines));
    }
    wire.send(`GET /up HTTP/1.1\r\n${host(address)}\r\n\r\n\r\nGET /up HTTP/1.1\r\n${host(address)}\r\n\r\n`);
    for (let i = 0; i < 2; ++i) assert.equal((await wire.answer()).status, 200);
    wire.end();
  }));

  test('every answer has a Date', bothPorts(async (address) => {
    for (const head of [`GET /up HTTP/1.1\r\n${host(address)}\r\n`, `GET /nothing HTTP/1.1\r\n${host(address)}\r\n`, 'nonsense\r\n\r\n']) {
      assert.match((await ask(head, { address })).head, DATE);
    }
    assert.match((await ask(upgrade())).head, DATE);
    assert.match((await ask(publish(WHOLE, EVENT))).head, DATE);
  }));

  test('a kept connection outlives the 60 s of balancers', { skip: !FULL && 'takes 66 s: --full' }, async () => {
    const wire = new Wire(node.ports.listen);
    const get = async () => (await wire.send('GET /up HTTP/1.1\r\nHost: a\r\n\r\n').answer()).status;
    assert.equal(await get(), 200);
    await new Promise((resolve) => { setTimeout(resolve, 65_000); });
    assert.equal(await get(), 200);
    wire.end();
  });

  test('http_idle_timeout ends one', () => withCluster(1, { args: ['--http-idle-timeout', '1'] }, async ({ nodes: [other] }) => {
    const wire = new Wire(other.ports.listen);
    assert.equal((await wire.send('GET /up HTTP/1.1\r\nHost: a\r\n\r\n').answer()).status, 200);
    await wire.closed();
  }));
});

describe('heads', () => {
  const cookies = (bytes) => Array.from({ length: Math.ceil(bytes / 4000) }, (_, i) => `Cookie: c${i}=${'x'.repeat(3980)}\r\n`).join('');

  test('32 KB of cookies, as nginx passes them on: served, with an upgrade too, on both ports', bothPorts(async (address) => {
    assert.equal((await ask(`GET /up HTTP/1.1\r\n${host(address)}${cookies(32_000)}\r\n`, { address })).status, 200);
    assert.equal((await ask(`GET /up HTTP/1.1\r\n${host(address)}Cookie: ${'x'.repeat(32 * KILOBYTE)}\r\n\r\n`, { address })).status, 200);
    const cookie = Array.from({ length: 8 }, () => 'x'.repeat(3980));
    assert.equal((await ask(upgrade(undefined, { Cookie: cookie }))).status, 101);
  }));

  test('40 KB: 431, on both ports', bothPorts(async (address) => {
    assert.equal((await ask(`GET /up HTTP/1.1\r\n${host(address)}${cookies(40_000)}\r\n`, { address })).status, 431);
  }));

  test('a target of 8,000 bytes is looked at, one of 9,000 is not', async () => {
    assert.equal((await ask(`GET /${'a'.repeat(7_970)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 404);
    assert.equal((await ask(`GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 414);
  });

  test('110 fields', async () => {
    assert.equal((await ask(`GET /up HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(110)}\r\n`)).status, 200);
  });
});

describe('targets', () => {
  test('in absolute form', bothPorts(async (address) => {
    for (const target of [`http://${address}/up`, `HTTPS://${address}/up`, `http://${address}/up?a=b`]) {
      assert.equal((await ask(`GET ${target} HTTP/1.1\r\n${host(address)}\r\n`, { address })).status, 200, target);
    }
    for (const target of ['ftp://a/up', 'http:///up', `http://a@${address}/up`, 'up', '*']) {
      assert.equal((await ask(`GET ${target} HTTP/1.1\r\n${host(address)}\r\n`, { address })).status, 400, target);
    }
  }));

  test('in absolute form, the signature is that of the path', async () => {
    const absolute = { target: (path) => `http://a:80${path}` };
    assert.equal((await ask(publish(WHOLE, EVENT, absolute))).status, 200);
    assert.equal((await ask(`${signed('GET', '', absolute)}\r\n`)).status, 200);
  });

  test('in absolute form, a client connects', async () => {
    assert.equal((await ask(upgrade('http://a/app/app-key?protocol=7'))).status, 101);
  });

  test('in absolute form, the admin port looks at the host in the target, whatever Host says', async () => {
    const { admin } = node.ports;
    assert.equal((await ask(`GET http://evil.example/up HTTP/1.1\r\n${host(admin)}\r\n`, { address: admin })).status, 403);
    assert.equal((await ask(`GET http://${admin}/up HTTP/1.1\r\nHost: evil.example\r\n\r\n`, { address: admin })).status, 200);
  });

  test('CONNECT: 501', bothPorts(async (address) => {
    assert.equal((await ask(`CONNECT ${address} HTTP/1.1\r\n${host(address)}\r\n`, { address })).status, 501);
  }));
});

describe('methods', () => {
  test('OPTIONS, as HAProxy asks by default and in its examples: 200 with Allow, on both ports', bothPorts(async (address) => {
    for (const line of ['/ HTTP/1.0', '* HTTP/1.0', `/ HTTP/1.1\r\n${host(address).trim()}`, `* HTTP/1.1\r\n${host(address).trim()}`,
      `http://${address} HTTP/1.1\r\n${host(address).trim()}`, '/up HTTP/1.0', '/ready HTTP/1.0']) {
      const { status, field } = await ask(`OPTIONS ${line}\r\n\r\n`, { address });
      assert.equal(status, 200, line);
      assert.match(field('allow'), /GET, HEAD.*OPTIONS/);
    }
    assert.equal((await ask('OPTIONS /nothing HTTP/1.0\r\n\r\n', { address })).status, 404);
  }));

  test('OPTIONS of a node that is not ready: 503', () => withCluster(2, { planned: true, start: false }, async (mesh) => {
    const [first, second] = mesh.nodes;
    first.launch([second.ports.mesh]);
    await first.bound();
    const asked = await ask('OPTIONS / HTTP/1.0\r\n\r\n', { address: first.ports.listen });
    const ready = await ask('GET /ready HTTP/1.0\r\n\r\n', { address: first.ports.listen });
    assert.ok([asked.status, ready.status].every((status) => status === 200 || status === 503));
    if (ready.status === 503) assert.equal(asked.status, 503);
  }));

  test('HEAD: the head of GET, and no body', bothPorts(async (address) => {
    for (const target of address === node.ports.admin ? ['/up', '/ready', '/metrics', '/v1/status'] : ['/', '/up', '/ready']) {
      const wire = new Wire(address);
      const { status, field } = await wire.send(`HEAD ${target} HTTP/1.1\r\n${host(address)}\r\n`).answer({ isHead: true });
      assert.equal(status, 200, target);
      assert.ok(Number(field('content-length')) > 0);
      assert.equal((await wire.send(`GET /up HTTP/1.1\r\n${host(address)}\r\n`).answer()).body, 'OK\n', 'nothing was between');
      wire.end();
    }
  }));

  test('HEAD that is refused: no body either', async () => {
    const wire = new Wire(node.ports.listen);
    assert.equal((await wire.send('HEAD /up HTTP/1.1\r\n\r\n').answer({ isHead: true })).status, 400);
    await wire.closed();
    assert.equal(wire.bytes.length, 0);
    wire.end();
  });

  test('HEAD of the API, signed as such', async () => {
    const { status, field } = await ask(`${signed('HEAD')}\r\n`, { isHead: true });
    assert.deepEqual([status, field('content-length')], [200, `${'{"channels":{}}'.length}`]);
    assert.equal((await ask(`${signed('HEAD').replace('HEAD', 'GET')}\r\n`)).status, 401);
  });

  test('what else there is: 405 with Allow', bothPorts(async (address) => {
    for (const method of ['PUT', 'DELETE', 'TRACE', 'PROPFIND']) {
      const { status, field } = await ask(`${method} /up HTTP/1.1\r\n${host(address)}\r\n`, { address });
      assert.deepEqual([status, field('allow')], [405, 'GET, HEAD, OPTIONS'], method);
    }
  }));
});

test('401 names how to authenticate, and 426 what to upgrade to, as they must', async () => {
  const unsigned = await ask(`GET /apps/${APP.appId}/channels HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.deepEqual([unsigned.status, unsigned.field('www-authenticate')], [401, 'Pusher']);
  const old = await ask(upgrade(undefined, { 'Sec-WebSocket-Version': '8' }));
  assert.deepEqual([old.status, old.field('upgrade'), old.field('sec-websocket-version'), old.field('connection')],
    [426, 'websocket', '13', 'Upgrade, close']);
  const plain = await ask('GET /app/app-key HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual([plain.status, plain.head.match(/^Connection: .*$/gm)], [426, ['Connection: Upgrade, close']]);
});

describe('preflights', () => {
  const preflight = (fields) => ask(`OPTIONS /apps/${APP.appId}/events HTTP/1.1\r\nHost: a\r\nOrigin: https://example.com\r\n` +
    `Access-Control-Request-Method: POST\r\n${fields}\r\n`);

  test('the headers that are asked for are allowed', async () => {
    for (const wanted of ['content-type,x-pusher-library', 'X-Anything, baggage,sentry-trace']) {
      const { status, field } = await preflight(`Access-Control-Request-Headers: ${wanted}\r\n`);
      assert.deepEqual([status, field('access-control-allow-headers'), field('access-control-allow-origin')], [204, wanted, '*']);
      assert.match(field('vary'), /Access-Control-Request-Headers/);
    }
  });

  test('what is no list of names is not repeated', async () => {
    for (const wanted of ['a: b', 'a"b', 'é', '<script>']) {
      const { field } = await preflight(`Access-Control-Request-Headers: ${wanted}\r\n`);
      assert.match(field('access-control-allow-headers'), /^Accept, .*X-Pusher-Library/, wanted);
    }
  });

  test('from a public network to a private one', async () => {
    assert.equal((await preflight('Access-Control-Request-Private-Network: true\r\n')).field('access-control-allow-private-network'), 'true');
    assert.equal((await preflight('')).field('access-control-allow-private-network'), undefined);
  });
});

describe('bodies', () => {
  test('Expect: 100-continue is answered before the body is sent, whatever its case', async () => {
    for (const value of ['100-continue', '100-Continue', '100-continue, 100-continue']) {
      const wire = new Wire(node.ports.listen);
      const { status } = await wire.send(publish(`Expect: ${value}\r\n${WHOLE}`, '')).answer();
      assert.equal(status, 100);
      assert.equal((await wire.send(EVENT).answer()).status, 200);
      wire.end();
    }
  });

  test('Expect: 100-continue of a request that nobody has signed: the refusal, and no body is read', async () => {
    const { status } = await ask(`POST /apps/${APP.appId}/events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n${WHOLE}\r\n`);
    assert.equal(status, 401);
  });

  test('Expect: 100-continue without a body', async () => {
    assert.equal((await ask('GET /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n')).status, 200);
  });

  const half = EVENT.length >> 1;
  const hex = (n, digits = 1) => n.toString(16).padStart(digits, '0');
  const chunked = {
    'one chunk': `${hex(EVENT.length)}\r\n${EVENT}\r\n0\r\n\r\n`,
    'two chunks, in capitals and with leading zeros': `${hex(half, 8).toUpperCase()}\r\n${EVENT.slice(0, half)}\r\n${hex(EVENT.length - half)}\r\n${EVENT.slice(half)}\r\n000\r\n\r\n`,
    'extensions': `${hex(EVENT.length)};a=b;c="d e"\r\n${EVENT}\r\n0;last\r\n\r\n`,
    'trailers': `${hex(EVENT.length)}\r\n${EVENT}\r\n0\r\nDigest: abc\r\nX-More: 1\r\n\r\n`,
  };
  for (const [what, body] of Object.entries(chunked)) {
    test(`chunked: ${what}; at once and byte by byte`, async () => {
      const wire = new Wire(node.ports.listen);
      assert.equal((await wire.send(publish('Transfer-Encoding: chunked\r\nTE: trailers\r\n', body)).answer()).status, 200);
      wire.send(publish('Transfer-Encoding: Chunked\r\nTrailer: Digest\r\n', ''));
      for (const byte of body) {
        wire.send(byte);
        await new Promise(setImmediate);
      }
      assert.equal((await wire.answer()).status, 200);
      wire.end();
    });
  }

  test('a body that nobody needs is read and the answer is the same, however TCP cuts it, on both ports', bothPorts(async (address) => {
    const payload = 'x'.repeat(8 * KILOBYTE);
    for (const [what, fields, body, expected] of [
      ['of a known length', `Content-Length: ${payload.length}\r\n`, payload, 200],
      ['chunked', 'Transfer-Encoding: chunked\r\n', `${hex(payload.length)}\r\n${payload}\r\n0\r\n\r\n`, 200],
      ['longer than any', `Content-Length: ${payload.length + 1}\r\n`, `${payload}x`, 413],
      ['longer than any, chunked', 'Transfer-Encoding: chunked\r\n', `${hex(payload.length + 1)}\r\n${payload}x\r\n0\r\n\r\n`, 413],
    ]) {
      const head = `GET /up HTTP/1.1\r\n${host(address)}${fields}\r\n`;
      const wire = new Wire(address);
      for (const cut of [head.length + body.length, head.length, head.length + 1, head.length + body.length - 1]) {
        const one = expected === 200 ? wire : new Wire(address);
        one.socket.setNoDelay(true);
        one.send((head + body).slice(0, cut));
        await new Promise((resolve) => { setTimeout(resolve, 20); });  // so that TCP has two pieces; the answer does not depend on it
        one.send((head + body).slice(cut));
        assert.equal((await one.answer()).status, expected, `${what}, ${cut} bytes first`);
        if (expected !== 200) await one.closed();
      }
      wire.end();
    }
  }));

  test('requests one behind the other, with and without bodies', async () => {
    const wire = new Wire(node.ports.listen);
    const get = 'GET /up HTTP/1.1\r\nHost: a\r\n\r\n';
    wire.send([publish(WHOLE, EVENT), get, publish('Transfer-Encoding: chunked\r\n', chunked.trailers), get].join(''));
    for (let i = 0; i < 4; ++i) assert.equal((await wire.answer()).status, 200);
    wire.end();
  });
});

test('a frame sent with an upgrade is not taken for a request', async () => {
  assert.equal((await within(5_000, 'the answer', ask(Buffer.concat([Buffer.from(upgrade()), frame({ payload: '{}' })])))).status, 400);
});
