// How fast a mesh finds itself. Needs the machine to itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';

const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
const LIMIT_S = 2;

for (const order of ORDERS) {
  const names = order.map((i) => `n${i + 1}`).join(', ');
  test(`started at once in the order ${names}, told of each other in a chain: whole within ${LIMIT_S} s`,
    () => withCluster(3, { planned: true, start: false }, async (cluster) => {
      for (const i of order) cluster.nodes[i].launch(cluster.peersOf(i, 'chain'));
      const answers = await Promise.all(cluster.nodes.map((node) =>
        run('tulle', ['status', '-s', node.ports.admin, '--expect', '3', '--wait', String(LIMIT_S)])));
      for (const { code, stderr } of answers) assert.equal(code, 0, stderr);
    }));
}
