// Ports for nodes that must be known before they are bound, or be had again after a restart. They lie below the range from
// which the kernel gives out ports, so that no connection takes one meanwhile.
import net from 'node:net';

const FIRST = 20_000;
const LAST = 32_000;
let next = FIRST + (process.pid * 97) % (LAST - FIRST);

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether somebody listens on this port. */
export function takesConnections(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => { socket.destroy(); resolve(true); });
  });
}

export async function freePort() {
  for (;;) {
    next = next + 1 < LAST ? next + 1 : FIRST;
    if (await isFree(next)) return next;
  }
}

/** The addresses of one node: listen, mesh, mesh_data, admin. */
export async function plannedAddresses() {
  const addresses = {};
  for (const name of ['listen', 'mesh', 'mesh_data', 'admin']) addresses[name] = `127.0.0.1:${await freePort()}`;
  return addresses;
}
