// What the tests of node/doc/redis_recipes.md share: servers from the blocks of that page, each in a folder of its own, at the nodes of a mesh.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { io as connect } from 'socket.io-client';
import { freePort, takesConnections } from './ports.mjs';
import { Program } from './process.mjs';
import { PYTHON_MS as MS } from './python.mjs';
import { IS_REDIS, withRedisNodes } from './redis_edge.mjs';
import { waitFor } from './wait.mjs';

export const PAGE = 'node/doc/redis_recipes.md';
/** The recipes that keep keys, by their headings. */
export const KEEPS_KEYS = [
  'Express sessions', 'Sails sessions', 'rate-limiter-flexible', 'express-rate-limit', "Django's cache and sessions",
  "Laravel's cache, sessions and rate limiter",
];
export const [OLD, NEW] = ['redis.internal:6379', '127.0.0.1:6379']; // as the recipes name the Redis and the node
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const PACKAGES = [
  '@sailshq', '@socket.io', 'connect-redis', 'express', 'express-rate-limit', 'express-session', 'rate-limit-redis', 'rate-limiter-flexible',
  'sails', 'sails-hook-sockets', 'socket.io',
];

let directory;
before(async () => { directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-recipes-')); });
after(() => fs.rm(directory, { recursive: true, force: true }));

/** A folder with these files, and node_modules with the packages that they need. */
export async function folder(files) {
  const place = await fs.mkdtemp(path.join(directory, 'app-'));
  const links = { redis: 'redis-5', ...Object.fromEntries(PACKAGES.map((name) => [name, name])) };
  await fs.mkdir(path.join(place, 'node_modules'));
  for (const [name, target] of Object.entries(links)) await fs.symlink(path.join(MODULES, target), path.join(place, 'node_modules', name));
  for (const [name, text] of Object.entries(files)) {
    await fs.mkdir(path.dirname(path.join(place, name)), { recursive: true });
    await fs.writeFile(path.join(place, name), text);
  }
  return place;
}

/** That a recipe changes nothing but the host. */
export function changesHostAlone({ before: old, after: changed }) {
  assert.notEqual(old, changed);
  assert.equal(old.replaceAll('redis.internal', '127.0.0.1'), changed);
}

/** What the recipe says, for one who has this node. */
export function at(place, text) {
  assert.ok(text.includes(NEW), `no ${NEW} in ${text}`);
  return text.replaceAll(NEW, place.address);
}

const sailsApp = (hooks, routes) => `process.chdir(__dirname);
const sails = require('sails');
sails.lift({
  port: Number(process.env.PORT), log: { level: 'warn' }, hooks: { grunt: false, ${hooks} },
  routes: ${routes},
}, (error) => { if (error) { console.error(error); process.exit(1); } });`;

/** Servers and clients that end with the test. */
class Stage {
  programs = [];
  clients = [];

  start(file, { cwd, env = {}, args = [], command = process.execPath, input = false } = {}) {
    const program = new Program(command, [...args, file], { cwd, env, input });
    this.programs.push(program);
    return program;
  }

  /** A server that takes its port from the environment. */
  async server(file, cwd, { env, ...more } = {}) {
    const port = await freePort();
    return { port, address: `127.0.0.1:${port}`, program: this.start(file, { cwd, env: { PORT: String(port), ...env }, ...more }) };
  }

  /** A server of Sails with this file of settings, and a folder for it. `hooks`, `routes`: JavaScript. */
  async sails({ file, text, hooks = '', routes }, more) {
    return this.server('app.js', await folder({
      [file]: text, 'app.js': sailsApp(hooks, routes), 'package.json': '{"name": "app", "dependencies": {"sails-hook-sockets": "*"}}',
    }), more);
  }

  /** A connected client that keeps what is said to it. `ms`: how long the server may take to start. */
  async client({ port, program }, { ms = MS, ...options } = {}) {
    const client = connect(`http://127.0.0.1:${port}`, {
      transports: ['websocket'], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, ...options,
    });
    this.clients.push(client);
    client.heard = [];
    client.on('said', (what) => client.heard.push(what));
    await waitFor('a client to connect', () => {
      if (program.hasEnded) throw new Error(program.output);
      return client.connected;
    }, { ms });
    return client;
  }

  async end() {
    this.clients.forEach((client) => client.disconnect());
    this.programs.forEach((program) => program.kill('SIGKILL'));
    await Promise.all(this.programs.map((program) => program.ended));
  }
}

/** Until the server takes connections. */
export const listens = ({ port, program }) => waitFor('a server to take connections', () => {
  if (program.hasEnded) throw new Error(program.output);
  return takesConnections(port);
}, { ms: MS });

/** Runs `body` with so many nodes and a stage. */
export function staged(count, body, options = {}) {
  return withRedisNodes(count, options, async (places) => {
    const stage = new Stage();
    try {
      await body(places, stage);
    } catch (error) {
      stage.programs.forEach(({ child, output }) => console.error(`${child.spawnargs.join(' ')}\n${output}`));
      throw error;
    } finally {
      await stage.end();
    }
  });
}

/** Kills the last node and starts it again at the same address. What the servers there do meanwhile is theirs. */
export async function killedAndStarted(places) {
  if (IS_REDIS) return;
  const { node, address } = places.at(-1);
  await node.kill();
  node.args = [...node.args, '--redis-listen', address];
  await node.restart([places[0].node.ports.mesh]);
  await node.ready();
}

/** "host:port" of the variables that begin so. */
export const hostAndPort = (variables, prefix) => `${variables[`${prefix}HOST`]}:${variables[`${prefix}PORT`]}`;

export const SAILS_SDK = { __sails_io_sdk_version: '1.2.1', __sails_io_sdk_platform: 'node', __sails_io_sdk_language: 'javascript' };

/** What Sails answers to a request over the socket of a client. */
export async function overSocket(client, method, url, data) {
  const { statusCode, body } = await client.timeout(MS).emitWithAck(method, { method, url, headers: {}, data });
  assert.equal(statusCode, 200, JSON.stringify(body));
  return body;
}
