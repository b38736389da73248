// A rolling restart behind nginx and HAProxy at the same time: no publish fails, and each client of a node that drains moves once, at an
// even rate. The whole size with --full: 10,000 clients and 30 s for each node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { Flow } from '../support/js/flow.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { isMissing, withProxy } from '../support/js/proxies.mjs';
import { busiestSecond, roamers } from '../support/js/roamer.mjs';
import { waitFor } from '../support/js/wait.mjs';

const IS_FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const CLIENTS = IS_FULL ? 10_000 : 600;
const DURATION = IS_FULL ? 30 : 3; // seconds over which a node closes its clients
const GRACE = IS_FULL ? 10 : 3;
const PER_SECOND = 2_000; // publishes, half of them through each proxy
const DRAINS = IS_FULL ? [0, 1, 2] : [0];
/** Clients closed within a second: 1.2 times the mean, and what a step of 100 ms, and this process that looks late, may add. */
const most = (clients) => 1.2 * (clients / DURATION) + 3 * Math.sqrt(clients / DURATION) + 5;

/** A flow that also keeps every answer that was not 200. */
class CountedFlow extends Flow {
  failed = [];

  async publish(numbers) {
    const status = await super.publish(numbers);
    if (status !== 200) this.failed.push(status ?? 'no answer');
    return status;
  }
}

/** Restarts a node under the clients, and judges each of them. `frozen`: another node stands still meanwhile, for less than its death. */
async function restart(cluster, index, clients, frozen) {
  const node = cluster.nodes[index];
  const marks = clients.map((client) => client.stays.length);
  const began = performance.now();
  node.program.kill('SIGTERM');
  if (frozen) await freeze(frozen.program.pid);
  await waitFor('the node to move its clients', () => node.log.includes('are closed one after the other'), { ms: 60_000 });
  frozen?.program.kill('SIGCONT');
  await node.gone((GRACE + DURATION + 30) * 1_000);
  assert.equal(node.program.child.exitCode, 0, node.log.slice(-600));
  await waitFor('every client to be on a node', () => clients.every((client) => client.isHere), { ms: 20_000 });
  const moved = clients.filter((client, i) => client.stays.length > marks[i]);
  const closes = clients.flatMap((client, i) => client.stays.slice(marks[i] - 1, -1).map(({ end }) => end));
  const moves = clients.reduce((sum, client, i) => sum + client.stays.length - marks[i], 0);
  console.log(`# ${node.name}: ${moved.length} clients moved in ${moves} moves within ` +
    `${Math.round(Math.max(...closes) - began)} ms; ${busiestSecond(closes)} in the busiest second, ${Math.round(moved.length / DURATION)} on average; ` +
    `back after ${Math.round(Math.max(...moved.map((client) => client.stays.at(-1).since - client.stays.at(-2).end)))} ms at most`);
  // Those in between, with all that is known of them.
  assert.deepEqual(clients.flatMap((client, i) => client.stays.slice(marks[i], -1)), [], 'each client moves once');
  assert.ok(moved.length >= clients.length / 4, 'the node had its part of the clients');
  assert.ok(busiestSecond(closes) <= most(moved.length), `${busiestSecond(closes)} clients in a second`);
  await node.restart(cluster.peersOf(index, 'all'));
  await cluster.whole();
}

test(`${CLIENTS} clients and ${PER_SECOND} publishes a second behind nginx and HAProxy while ${DRAINS.length} of three nodes restart`,
  { skip: isMissing('nginx for many') || isMissing('haproxy for many') }, () => withCluster(3, {
    planned: true, topology: 'all',
    args: ['--drain-grace', `${GRACE}`, '--drain-duration', `${DURATION}`],
  }, (cluster) => withProxy('nginx for many', cluster.nodes, (nginx) => withProxy('haproxy for many', cluster.nodes, async (haproxy) => {
    const clients = (await Promise.all([nginx, haproxy].map((proxy, p) =>
      roamers(proxy, CLIENTS / 2, (i) => `room-${p}-${i % 500}`)))).flat();
    const flows = [nginx, haproxy].map((proxy) => new CountedFlow(proxy, PER_SECOND / 2));
    try {
      for (const index of DRAINS) {
        await restart(cluster, index, clients, IS_FULL && index === 2 ? cluster.nodes[0] : undefined);
      }
      await Promise.all(flows.map((flow) => flow.stop()));
      assert.deepEqual(clients.flatMap((client) => client.faults), [], 'clients were closed with 4200 alone');
      console.log(`# ${flows.map(({ accepted, sent }) => `${accepted.size} of ${sent}`).join(' and ')} publishes accepted`);
      for (const flow of flows) {
        assert.deepEqual(flow.failed, []);
        assert.ok(flow.accepted.size > PER_SECOND, 'there were publishes all the time');
      }
    } finally {
      await Promise.all(flows.map((flow) => flow.stop()));
      clients.forEach((client) => client.stop());
    }
  }))));
