// A load balancer as a client sees it: one address, and behind it the first node that accepts.
import net from 'node:net';
import { parts } from './http.mjs';

function forward(client, nodes, onChosen) {
  const [node, ...others] = nodes;
  if (!node) {
    client.destroy();
    return;
  }
  const upstream = net.connect(parts(node.ports.listen));
  const tryNext = () => forward(client, others, onChosen);
  upstream.once('error', tryNext);
  upstream.once('connect', () => {
    upstream.off('error', tryNext);
    upstream.on('error', () => client.destroy());
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
    onChosen(node);
    client.pipe(upstream).pipe(client);
  });
}

/** Runs `body` with the balancer, which has `ports.listen` like a node, and `chosen`: whom the last client was given. */
export async function withBalancer(nodes, body) {
  const balancer = { ports: {}, chosen: null };
  const clients = new Set();
  const proxy = net.createServer((client) => {
    clients.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => clients.delete(client));
    forward(client, nodes, (node) => { balancer.chosen = node; });
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  balancer.ports.listen = `127.0.0.1:${proxy.address().port}`;
  try {
    await body(balancer);
  } finally {
    clients.forEach((client) => client.destroy());
    proxy.close();
  }
}
