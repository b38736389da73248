// Meshes whose nodes serve clients of Redis on ports that they have again after a restart.
import { withCluster } from './cluster.mjs';
import { parts } from './http.mjs';
import { freePort } from './ports.mjs';

/** Runs `body` with the nodes of a mesh, each of which is told of all others: {address, host, port, url, node, kill, restart}. */
export async function withRedisMesh(count, body, options = {}) {
  await withCluster(count, { ...options, planned: true, start: false }, async (cluster) => {
    for (const node of cluster.nodes) node.addresses = { ...node.addresses, redis_listen: `127.0.0.1:${await freePort()}` };
    for (const node of cluster.nodes) node.ports = node.addresses;
    await cluster.start('all');
    await cluster.ready();
    await body(cluster.nodes.map((node, index) => {
      const address = node.addresses.redis_listen;
      const { host, port } = parts(address);
      const restart = () => node.restart(cluster.peersOf(index, 'all'));
      return { address, host, port: Number(port), url: `redis://${address}`, node, restart };
    }), cluster);
  });
}
