// After a node's death its clients come to another node all at once, by TLS; those who are there must not notice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { server } from '../support/js/clients.mjs';
import { Program } from '../support/js/process.mjs';
import { SecureClient, withTls } from '../support/js/tls.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const CROWD = 500;
const ROUNDS = 4;
const OBSERVERS = 10;
const EVERY_MS = 20;
const P99_MS = 100;

const percentile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

describe('a storm of newcomers by TLS', () => {
  for (const keys of ['P-256', 'RSA']) {
    test(`${CROWD} clients of a dead node, ${keys}: all get in, and deliveries go on`, () => withTls(2, async ({ nodes: [n1, n2], authority, ca }) => {
      const newKey = keys === 'RSA' ? ['-newkey', 'rsa:2048', '-nodes'] : undefined;
      await authority.issue('localhost', ['localhost'], { newKey });
      await waitFor('the certificate', async () => (await n2.metric('tulle_tls_reloads_total')) > 0);
      const observers = await Promise.all(Array.from({ length: OBSERVERS }, () => new SecureClient(n2, ca).open()));
      const late = [];
      for (const observer of observers) {
        observer.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
        await observer.next('pusher_internal:subscription_succeeded');
        observer.socket.on('message', (bytes) => {
          const { event, data } = JSON.parse(bytes.toString());
          if (event === 'tick') late.push(Date.now() - Number(data));
        });
      }
      const publisher = server(n2);
      let sent = 0;
      const publish = async (isOver) => {
        while (!isOver()) {
          await publisher.trigger('news', 'tick', Date.now());
          ++sent;
          await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
        }
      };
      await publish(() => sent >= 50);
      await waitFor('every event', () => late.length === sent * OBSERVERS);
      const calm = percentile(late, 0.99);
      late.length = 0;
      sent = 0;

      n1.program.kill('SIGKILL');
      let isOver = false;
      const storms = (async () => {
        const told = [];
        for (let round = 0; round < ROUNDS; ++round) {
          const storm = new Program('tulle', ['bench', 'storm', '--url', `wss://${n2.ports.tls_listen}`, '--ca-file', authority.ca,
            '--connections', String(CROWD), '--at-once', String(CROWD), '--json']);
          const { code } = await within(60_000, 'the storm', storm.ended);
          assert.equal(code, 0, storm.stdout + storm.stderr);
          told.push(JSON.parse(storm.stdout).connect);
        }
        return told;
      })().finally(() => { isOver = true; });
      await Promise.all([storms, publish(() => isOver)]);
      await waitFor('every event of the storm', () => late.length === sent * OBSERVERS);
      const p99 = percentile(late, 0.99);
      console.log(`${keys}: ${ROUNDS} times ${CROWD} clients, each time in ${(await storms).map((told) => told.connect_seconds).join(', ')} s; `
        + `p99 of deliveries ${calm} ms before, ${p99} ms (max ${Math.max(...late)}) in the storms, ${sent} events`);
      assert.ok(observers.every(({ socket }) => socket.readyState === 1));
      assert.ok(p99 < P99_MS, `p99 ${p99} ms`);
      observers.forEach((observer) => observer.drop());
    }, { args: ['--shards', '1'] }));
  }
});
