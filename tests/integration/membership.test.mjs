// Nodes that come, go, die, and come back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/js/clients.mjs';
import { TulleNode, withCluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const isSeen = (observer, name, state, ms) =>
  waitFor(`${observer.name} to see ${name} ${state}`, async () => (await observer.stateOf(name)) === state, { ms });

test('a node that is told of one member finds the others', () => withCluster(3, { topology: 'chain' }, async ({ nodes }) => {
  const [n1, , n3] = nodes;
  assert.equal(await n3.stateOf('n1'), 'alive');
  assert.equal(await n1.stateOf('n3'), 'alive');
}));

test('a status names what others need to know of each member', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const { self, members, ready } = await n1.status();
  assert.equal(self.name, 'n1');
  assert.equal(ready, true);
  assert.equal(members.length, 1);
  const [member] = members;
  assert.equal(member.name, 'n2');
  assert.match(member.oid, /^[0-9a-f]{16}$/);
  assert.deepEqual(member.endpoints, { mesh: n2.ports.mesh, mesh_data: n2.ports.mesh_data, listen: n2.ports.listen });
  for (const key of ['rtt_us', 'gaps', 'repaired', 'uptime_s', 'clients', 'channels']) {
    assert.equal(typeof member[key], 'number', key);
  }
  assert.equal(member.oid, (await n2.status()).self.oid);
  await waitFor('a round trip to be measured', async () => (await n1.status()).members[0].rtt_us > 0);
}));

test('SIGTERM: the others see the node leave, its clients are told to reconnect elsewhere, it ends with exit code 0',
  () => withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => {
    const raw = await new RawClient(n2).open();
    n2.program.kill('SIGTERM');
    const error = await raw.next('pusher:error');
    assert.equal(error.data.code, 4200);
    assert.equal((await raw.end()).code, 4200);
    await n2.gone();
    assert.equal(n2.program.child.exitCode, 0, n2.log);
    await isSeen(n1, 'n2', 'left', 2_000);
    await isSeen(n3, 'n2', 'left', 2_000);
  }));

test('kill -9: the others find the node dead and go on', () => withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => {
  await n2.kill();
  await isSeen(n1, 'n2', 'dead', 5_000);
  await isSeen(n3, 'n2', 'dead', 5_000);
  assert.equal(await n1.stateOf('n3'), 'alive');
}));

test('a newcomer with a name that is held is refused and ends with exit code 1; the holder goes on',
  () => withCluster(2, {}, async ({ nodes: [n1, n2], directory }) => {
    const { oid } = (await n1.status()).self;
    const double = new TulleNode('n1', `${directory}`, {});
    double.portsFile = `${directory}/double.json`;
    double.launch([n2.ports.mesh]);
    try {
      await double.gone();
      assert.equal(double.program.child.exitCode, 1, double.log);
      assert.match(double.log, /name.*n1|n1.*name/);
    } finally {
      double.program.kill('SIGKILL');
    }
    const seen = (await n2.status()).members.filter(({ name, state }) => name === 'n1' && state === 'alive');
    assert.deepEqual(seen.map((member) => member.oid), [oid]);
  }));

test('a node of another cluster does not become a member', () => withCluster(1, {}, async ({ nodes: [n1], directory }) => {
  const stranger = new TulleNode('stranger', directory, { args: ['--cluster', 'other'] });
  stranger.launch([n1.ports.mesh]);
  try {
    await stranger.bound();
    await waitFor('both sides to say so', async () => (await stranger.status()).self.refusals.length > 0 &&
      (await n1.status()).self.refusals.length > 0);
    const of = async (side) => (await side.status()).self.refusals.map(({ by, reason }) => ({ by, reason }));
    assert.ok((await of(stranger)).every(({ reason }) => reason === 'cluster'), JSON.stringify(await of(stranger)));
    assert.equal((await request(stranger.ports.admin, '/ready')).status, 503);
    assert.equal((await request(n1.ports.admin, '/ready')).status, 200);
    assert.notEqual(await n1.stateOf('stranger'), 'alive');
    assert.notEqual(await stranger.stateOf('n1'), 'alive');
  } finally {
    stranger.program.kill('SIGKILL');
    await stranger.gone();
  }
}));

test('a node killed and started again at once on the same ports is a new member under the old name',
  () => withCluster(3, { planned: true, topology: 'all' }, async (cluster) => {
    const [n1, n2] = cluster.nodes;
    const { oid } = (await n2.status()).self;
    await n2.kill();
    await n2.restart(cluster.peersOf(1, 'all'));
    await cluster.whole();
    const alive = (await n1.status()).members.filter(({ name, state }) => name === 'n2' && state === 'alive');
    assert.equal(alive.length, 1);
    assert.notEqual(alive[0].oid, oid);
  }));

test('however often a node is restarted, status, metrics and a trace have one row for it', () =>
  withCluster(2, { planned: true, topology: 'all' }, async ({ nodes: [n1, n2] }) => {
    const rows = async () => (await n1.status()).members.filter(({ name }) => name === 'n2');
    for (let i = 0; i < 4; ++i) {
      await n2.kill();
      await isSeen(n1, 'n2', 'dead', 10_000);
      assert.equal((await rows()).length, 1, 'one that is down is shown');
      await n2.restart([n1.ports.mesh]);
      await isSeen(n1, 'n2', 'alive', 10_000);
      assert.equal((await rows()).length, 1);
    }
    const { body } = await request(n1.ports.admin, '/metrics');
    const series = body.split('\n').filter((line) => line.startsWith('tulle_mesh_peer_up{'));
    assert.equal(series.length, 1, series.join('\n'));
    assert.match(series[0], / 1$/);
    assert.equal(await n1.metric('tulle_mesh_deaths_total'), 4);
    const trace = await run('tulle', ['trace', 'news', '-s', n1.ports.admin]);
    assert.equal(trace.stdout.split('\n').filter((line) => line.startsWith('n2 ')).length, 1, trace.stdout);
  }));

test('nodes of two clusters that know each other write a few lines about it, not a few a second', () =>
  withCluster(2, { planned: true, topology: 'all' }, async ({ nodes: [n1, n2] }) => {
    const foreign = new TulleNode('n3', n1.directory, { args: ['--cluster', 'other'] });
    foreign.launch([n1.ports.mesh, n2.ports.mesh]);
    try {
      await foreign.bound();
      await n2.kill();
      n2.args = ['--cluster', 'other'];
      await n2.restart([n1.ports.mesh]);
      await waitFor('n1 to have refused often', async () => (await n1.metric('tulle_mesh_newcomers_refused_total')) >= 8, { ms: 30_000 });
      for (const node of [n1, n2, foreign]) {
        const lines = node.log.split('\n').filter((line) => /refused|cluster/.test(line));
        assert.ok(lines.length <= 6, `${node.name} has ${lines.length}:\n${lines.join('\n')}`);
      }
    } finally {
      foreign.program.kill('SIGKILL');
      await foreign.gone();
    }
  }));
