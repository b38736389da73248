// `tulle bench` against real nodes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConfigured } from '../support/js/configured.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const NO_LIMIT = ['client_events_per_second = 0'];
const url = (node) => `ws://${node.ports.listen}`;

/** The exit code and what `tulle bench … --json` tells. */
async function bench(words, { env, ms = 30_000 } = {}) {
  const { code, stdout, stderr } = await run('tulle', ['bench', ...words, '--json'], { env, ms });
  return { code, stderr, told: stdout === '' ? undefined : JSON.parse(stdout) };
}

function assertWhole({ code, stderr, told }, audience) {
  assert.equal(code, 0, stderr);
  const { run: figures } = told;
  assert.ok(figures.sent > 0);
  assert.equal(figures.expected, figures.sent * audience);
  assert.equal(figures.received, figures.expected);
  for (const key of ['unsent', 'duplicates', 'out_of_order', 'malformed']) assert.equal(figures[key], 0, key);
  assert.equal(figures.error, undefined);
  assert.equal(told.trouble, '');
}

function assertPercentiles(latency, count) {
  const { p50, p90, p99, p999, max } = latency;
  assert.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max, JSON.stringify(latency));
  assert.equal(latency.count, count);
}

test('fanout sends as many as are due, and all of them arrive', () => withConfigured(1, NO_LIMIT, {}, async ({ nodes: [node] }) => {
  const answer = await bench(['fanout', '--url', url(node), '--subscribers', '20', '--rate', '200', '--seconds', '1',
    '--via', 'client-events', '--pid', String(node.program.pid)]);
  assertWhole(answer, 20);
  const { told } = answer;
  assert.equal(told.run.sent, 200);
  assertPercentiles(told.run.latency_us, told.run.received);
  assertPercentiles(told.connect.connect_latency_us, 21);
  assert.ok(told.run.cpu_ns_by_pid[node.program.pid] > 0);
  assert.ok(told.memory[node.program.pid].rss_after > 0);
}));

test('fanout at rate 0 goes as fast as it can, over several channels and publishers', () =>
  withConfigured(1, NO_LIMIT, {}, async ({ nodes: [node] }) => {
    const answer = await bench(['fanout', '--url', url(node), '--subscribers', '12', '--publishers', '2', '--channels', '4',
      '--via', 'client-events', '--rate', '0', '--payload', '5000', '--seconds', '0.5']);
    assertWhole(answer, 3);
  }));

test('fanout by signed HTTP, singly and in batches', () => withConfigured(1, [], {}, async ({ nodes: [node] }) => {
  for (const batch of [1, 10]) {
    const answer = await bench(['fanout', '--url', url(node), '--subscribers', '3', '--publishers', '4', '--rate', '0',
      '--window', '50', '--seconds', '0.5', '--via', 'http', '--http-batch', String(batch)]);
    assertWhole(answer, 3);
    assert.ok(answer.told.run.requests * batch >= answer.told.run.sent);
  }
}));

test('relay goes from the first node to the others', () => withConfigured(3, NO_LIMIT, {}, async ({ nodes }) => {
  const answer = await bench(['relay', ...nodes.flatMap((node) => ['--url', url(node)]), '--subscribers', '4', '--rate', '500',
    '--via', 'client-events', '--seconds', '1']);
  assertWhole(answer, 4);
  assertPercentiles(answer.told.run.latency_us, answer.told.run.received);
}));

test('a node that stands still makes all messages late that were due meanwhile, not one', () =>
  withConfigured(1, NO_LIMIT, {}, async ({ nodes: [node] }) => {
    const running = bench(['fanout', '--url', url(node), '--subscribers', '1', '--rate', '500', '--seconds', '2',
      '--via', 'client-events']);
    await waitFor('messages', async () => (await node.metric('tulle_client_events_total')) >= 50);
    const frozenAt = performance.now();
    process.kill(node.program.pid, 'SIGSTOP');
    await waitFor('the fault to have lasted', () => performance.now() - frozenAt >= 600);
    process.kill(node.program.pid, 'SIGCONT');
    const answer = await running;
    assertWhole(answer, 1);
    const { p50, p90, max } = answer.told.run.latency_us;
    assert.ok(max >= 500_000, `max ${max}`);  // due when it stopped
    assert.ok(p90 >= 250_000, `p90 ${p90}`);  // 300 of 1,000 were due while it stood still, 100 of them 400 ms before its end or earlier
    assert.ok(p50 < p90);
  }));

test('storm counts who was subscribed, and exits 1 when some were not', () =>
  withConfigured(1, [], {}, async ({ nodes: [node] }) => {
    const { code, told } = await bench(['storm', '--url', url(node), '--connections', '300', '--channels', '10']);
    assert.equal(code, 0);
    assert.equal(told.connect.connections, 300);
    assert.equal(told.connect.failed, 0);
    assertPercentiles(told.connect.connect_latency_us, 300);
  }));

test('storm against a quota exits 1 and says why', () =>
  withConfigured(1, ['max_connections = 5'], {}, async ({ nodes: [node] }) => {
    const { code, told } = await bench(['storm', '--url', url(node), '--connections', '8']);
    assert.equal(code, 1);
    assert.equal(told.connect.connections, 5);
    assert.equal(told.connect.failed, 3);
    assert.match(told.connect.error, /4004/);
  }));

test('idle tells memory and CPU of the node', () => withConfigured(1, [], {}, async ({ nodes: [node] }) => {
  const pid = String(node.program.pid);
  const { code, stdout, stderr } = await run('tulle', ['bench', 'idle', '--url', url(node), '--connections', '200', '--seconds',
    '0.5', '--pid', pid]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /held +for 0\.5 s; none lost/);
  assert.match(stdout, new RegExp(`pid ${pid} .*CPU .* % of a core; memory .* MB, grown by .* KB a connection`));
}));

test('refused client events end it at once, with what to configure', () =>
  withConfigured(1, [], {}, async ({ nodes: [node] }) => {
    const { code, stderr, told } = await bench(['fanout', '--url', url(node), '--subscribers', '2', '--rate', '100', '--seconds', '20',
      '--via', 'client-events'],
      { ms: 15_000 });
    assert.equal(code, 1);
    assert.match(told.trouble, /deliveries missing.*4301/);
    assert.match(stderr, /client_events_per_second = 0.*--via http/);
  }));

test('a wrong secret and a node that is not there exit 3, wrong use exits 2', () =>
  withConfigured(1, NO_LIMIT, {}, async ({ nodes: [node] }) => {
    const wrong = await bench(['fanout', '--url', url(node), '--subscribers', '2'], { env: { TULLE_APP_SECRET: 'wrong' } });
    assert.equal(wrong.code, 3);
    assert.match(wrong.stderr, /not authorised/);
    const unknown = await bench(['fanout', '--url', url(node), '--subscribers', '2', '--via', 'http', '--app-id', 'nobody']);
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /--app-id/);
    const nowhere = await bench(['storm', '--url', `ws://${(await plannedAddresses()).listen}`, '--connections', '2']);
    assert.equal(nowhere.code, 3);
    assert.match(nowhere.told.connect.error, /Connection refused/);
    const unresolved = await bench(['storm', '--url', 'ws://no-such-host.invalid:6001']);
    assert.equal(unresolved.code, 3);
    assert.match(unresolved.stderr, /cannot resolve no-such-host\.invalid:6001/);
    for (const words of [['relay', '--url', url(node)], ['fanout', '--payload', '3'], ['fanout', '--url', 'ws://127.0.0.1', '--url', 'wss://127.0.0.1'],
      ['fanout', '--subscribers', '1', '--channels', '2'], ['storm', '--connections', '1000000'], ['idle', '--pid', '999999999'], ['storm', '--seconds', '3'], []]) {
      const { code, stderr } = await bench(words);
      assert.equal(code, 2, words.join(' '));
      assert.notEqual(stderr, '');
    }
  }));
