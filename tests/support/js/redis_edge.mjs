// What clients of Redis are pointed at: the Redis edge of a mesh, or, with TULLE_TEST_REDIS=1, one real redis-server in place of all nodes,
// which shows that a test asks for nothing that Redis does not do.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { withCluster } from './cluster.mjs';
import { parts } from './http.mjs';
import { freePort } from './ports.mjs';
import { Program } from './process.mjs';
import { RespSocket, command } from './resp.mjs';
import { waitFor } from './wait.mjs';

export const IS_REDIS = process.env.TULLE_TEST_REDIS === '1';
/** Options of nodes that keep keys, in more memory than a test of them needs. */
export const STORE = { args: ['--redis-store-bytes', String(64 << 20)] };
const SERVER = process.env.TULLE_REDIS_SERVER ?? '/usr/bin/redis-server';

/** Why tests that need a real redis-server are left out; false when they are not. */
export const noRedisServer = spawnSync(SERVER, ['--version'], { stdio: 'ignore' }).status !== 0 && `${SERVER} is not installed`;

/** One place to connect to: {address, host, port, url}. `node` is the node of the mesh, where there is one. */
function place(address, node) {
  const { host, port } = parts(address);
  return { address, host, port: Number(port), url: `redis://${address}`, node };
}

/** Runs `body` with a real redis-server that keeps nothing on disk. */
export async function withRedisServer({ password } = {}, body) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-redis-'));
  const port = await freePort();
  const program = new Program(SERVER, [
    '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', directory,
    ...(password ? ['--requirepass', password] : []),
  ]);
  const server = place(`127.0.0.1:${port}`);
  try {
    await waitFor('redis-server to answer', async () => {
      if (program.hasEnded) throw new Error(program.output);
      const socket = new RespSocket(server);
      try {
        socket.write(command('PING'));
        return await socket.elements(1);
      } finally {
        socket.drop();
      }
    });
    await body(server);
  } finally {
    program.kill('SIGKILL');
    await program.ended;
    await fs.rm(directory, { recursive: true, force: true });
  }
}

/** What a node is started with so that it serves clients of Redis; with a password, only those that know it. */
async function edgeArgs(directory, password) {
  const file = path.join(directory, 'redis.toml');
  const realm = password ? ['[[redis_realms]]', 'name = "default"', `secret = "${password}"`] : [];
  await fs.writeFile(file, `${['redis_listen = "127.0.0.1:0"', ...realm].join('\n')}\n`, { mode: 0o600 });
  return ['--config', file];
}

/** Runs `body` with so many nodes, each a place to connect to: those of a mesh, or the same redis-server so many times. */
export async function withRedisNodes(count, { password, ...options } = {}, body) {
  if (IS_REDIS) {
    await withRedisServer({ password }, (server) => body(Array(count).fill(server)));
    return;
  }
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-redis-edge-'));
  try {
    const args = [...(options.args ?? []), ...await edgeArgs(directory, password)];
    await withCluster(count, { ...options, args }, async (cluster) => {
      await cluster.ready();
      await body(cluster.nodes.map((node) => {
        if (!node.ports.redis) throw new Error(`${node.name} has no Redis edge: its ports are ${JSON.stringify(node.ports)}`);
        return place(node.ports.redis, node);
      }));
    });
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}
