// What a stranger's requests may cost: a little, whatever they hold, and no more than those of anybody.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { APP } from '../support/js/clients.mjs';
import { Victim, statusOf } from '../support/js/victim.mjs';

const TICK_MS = 10; // of the kernel's accounting
const REQUESTS = 500;

const victim = new Victim();
before(() => victim.start());
after(() => victim.stop());

async function processorMs() {
  const fields = (await fs.readFile(`/proc/${victim.node.program.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The processor time that the node takes to answer so many unsigned requests of this target. */
async function costOf(target) {
  const one = (connection) => `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`;
  const before = await processorMs();
  const text = await victim.throwAt(one('keep-alive').repeat(REQUESTS - 1) + one('close'), { ms: 60_000 });
  assert.equal(text.split(/HTTP\/1\.1 40[01] /).length - 1, REQUESTS);
  return (await processorMs()) - before;
}

test('an unsigned request costs what another of its size does, whatever its parameters', async () => {
  const route = `/apps/${APP.appId}/channels`;
  const now = Math.floor(Date.now() / 1000);
  const auth = `auth_key=${APP.key}&auth_timestamp=${now}&auth_version=1.0&auth_signature=${'0'.repeat(64)}`;
  const filled = (head, part) => head + part.repeat(Math.floor((4_000 - head.length) / part.length));
  const numbered = () => {
    let target = `${route}?${auth}`;
    for (let i = 0; target.length < 4_080; ++i) target += `&${i.toString(36)}`;
    return target;
  };
  const plain = await costOf(filled(`${route}?${auth}&a=`, 'a'));
  const targets = {
    'a thousand parameters': numbered(),
    'a thousand empty parameters': filled(`${route}?${auth}`, '&'),
    'escapes': filled(`${route}?${auth}&a=`, '%41'),
    'thirty long parameters': `${route}?${auth}&${Array.from({ length: 28 }, (_, i) => `${'p'.repeat(60)}${i + 10}=${'v'.repeat(60)}`).join('&')}`,
  };
  for (const [what, target] of Object.entries(targets)) {
    const cost = await costOf(target);
    assert.ok(cost <= 6 * Math.max(plain, 50), `${what}: ${cost} ms, ${plain} ms for the plain one`);
  }
});

test('bodies that nobody has signed are not held: 200 of 2 MB', () => victim.bears(async () => {
  const head = `POST /apps/${APP.appId}/events?auth_key=${APP.key} HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n`;
  const most = Buffer.alloc(1_900_000, 'a');
  await Promise.all(Array.from({ length: 200 }, async () => {
    assert.equal(statusOf(await victim.throwAt(head, { more: (socket) => socket.end(most) })), 401);
  }));
}, { counter: 'tulle_auth_failures_total', times: 200 }));
