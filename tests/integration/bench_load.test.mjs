// The generator process of the benchmark, with its commands, against a real node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP } from '../support/js/clients.mjs';
import { withConfigured } from '../support/js/configured.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const keys = ['--app-id', APP.appId, '--app-key', APP.key, '--app-secret', APP.secret];

/** bench_load once it is connected: ask(command) gives its answer. */
async function withGenerator(node, words, body) {
  const at = node.ports.listen;
  const program = new Program('bench_load', ['--protocol', 'pusher', '--subscribe', at, '--publish', at, ...keys, ...words],
    { input: true });
  let answers = 0;
  const next = async (ms = 30_000) => {
    const line = await waitFor('an answer of bench_load', () => {
      assert.ok(!program.hasEnded || program.stdout.split('\n').length > answers + 1, program.stderr);
      return program.stdout.split('\n').slice(0, -1)[answers];
    }, { ms });
    ++answers;
    return JSON.parse(line);
  };
  try {
    await body({ ready: await next(), program, ask: (command) => { program.say(command); return next(); } });
  } finally {
    program.kill('SIGKILL');
  }
}

test('bench_load carries out one run after the other on the same connections', () =>
  withConfigured(1, ['client_events_per_second = 0'], {}, ({ nodes: [node] }) =>
    withGenerator(node, ['--subscribers', '10', '--publishers', '2', '--channels', '2'], async ({ ready, program, ask }) => {
      assert.equal(ready.ready, true);
      assert.equal(ready.connections, 12);
      assert.deepEqual(await ask(`pids ${node.program.pid}`), { pids: 1 });
      for (const command of ['burst b=3 payload=64 seconds=0.3', 'burst b=1 payload=16 seconds=0.2 rest_us=0',
        'rate r=500 payload=64 seconds=0.3', 'rate r=500 b=5 payload=70000 seconds=0.2',
        'saturate payload=64 window=20 seconds=0.3']) {
        const answer = await ask(command);
        assert.equal(answer.error, undefined, command);
        assert.ok(answer.sent > 0, command);
        assert.equal(answer.expected, answer.sent * 5, command);
        assert.equal(answer.received, answer.expected, command);
        assert.ok(answer.cpu_ns > 0 && answer.cpu_ns === answer.cpu_ns_by_pid[node.program.pid], command);
        assert.equal(answer.latency_us.count, command.includes('payload=16') ? 0 : answer.received, command);
      }
      const idle = await ask('idle seconds=0.2');
      assert.equal(idle.sent, 0);
      assert.ok(idle.seconds >= 0.2);
      for (const wrong of ['burst payload=3', 'burst many=1', 'rate payload=64', 'rate r=1 rest_us=5', 'dance', 'pids x', '']) {
        assert.equal(typeof (await ask(wrong)).error, 'string', wrong);
      }
      program.say('quit');
      assert.equal((await within(5_000, 'the end of bench_load', program.ended)).code, 0);
    })));

test('bench_load says that its connections were closed', () =>
  withConfigured(1, ['client_events_per_second = 0'], {}, ({ nodes: [node] }) =>
    withGenerator(node, ['--subscribers', '3'], async ({ ask }) => {
      const running = ask('rate r=100 payload=64 seconds=20');
      await waitFor('messages', async () => (await node.metric('tulle_client_events_total')) >= 10);
      await node.kill();
      assert.match((await running).error, /connections lost/);
    })));

test('bench_load ends with 1 when it cannot connect, or when its options make no sense', async () => {
  const at = '127.0.0.1:1';
  for (const [words, why] of [[['pusher', '--subscribers', '1'], /Connection refused/],
    [['ws', '--subscribers', '1', '--channels', '2'], /one channel/],
    [['pusher', '--subscribers', '1', '--subscriptions-per-connection', '2'], /more subscriptions than there are channels/]]) {
    const { code, stderr } = await run('bench_load', ['--subscribe', at, '--publish', at, '--protocol', ...words]);
    assert.equal(code, 1, words.join(' '));
    assert.match(stderr, why);
  }
});
