// A backend that is told of what happens, and nodes that tell it.
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { APP, server } from './clients.mjs';
import { withCluster } from './cluster.mjs';

/** Receives webhooks: `requests` and, of those that were answered with 2xx, `events` grow as they come. */
export class Backend {
  requests = [];
  events = [];
  /** The status to answer a request with, and headers; null: never. */
  answer = () => 200;

  async listen() {
    this.server = http.createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => this.take(request, Buffer.concat(parts).toString(), response));
    });
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.server.address().port}/hook`;
    return this;
  }

  take(request, body, response) {
    const seen = { path: request.url, headers: request.headers, body };
    this.requests.push(seen);
    const answer = this.answer(seen, this.requests.length);
    if (answer === null) return;
    const [status, headers] = [answer].flat();
    if (status >= 200 && status < 300) this.events.push(...JSON.parse(body).events);
    response.writeHead(status, headers).end();
  }

  /** What it was told of this channel, in order; of certain events alone, if they are named. */
  of(channel, ...names) {
    return this.events.filter((event) => event.channel === channel && (names.length === 0 || names.includes(event.name)));
  }

  names(channel) { return this.of(channel).map(({ name }) => name); }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Whether the official server kit takes the request for one of its app's. */
export function isAuthentic(node, { headers, body }) {
  return server(node).webhook({ headers, rawBody: body }).isValid();
}

const SETTINGS = { allow_private_addresses: ['127.0.0.0/8'], vacated_hold: '300ms', removed_hold: '300ms' };

const toml = (value) => (Array.isArray(value) ? `[${value.map(toml).join(', ')}]`
  : typeof value === 'object' ? `{ ${Object.entries(value).map(([key, inner]) => `${key} = ${toml(inner)}`).join(', ')} }`
    : JSON.stringify(value));
const lines = (table) => Object.entries(table).map(([key, value]) => `${key} = ${toml(value)}\n`).join('');

/** The text of a configuration: `app` holds keys besides the credentials. */
export function configuration({ app = {}, webhooks = [], settings = {} }) {
  const credentials = { id: APP.appId, key: APP.key, secret: APP.secret, client_events: true };
  return `[webhooks]\n${lines({ ...SETTINGS, ...settings })}[[apps]]\n${lines({ ...credentials, ...app })}` +
    webhooks.map((webhook) => `[[apps.webhooks]]\n${lines(webhook)}`).join('');
}

/**
 * Runs `body` with a mesh whose apps tell a backend, which it gets. `webhooks(url)` gives the webhooks; by default one that
 * is told of everything, and says in X-Node which node it came from.
 */
export async function withBackend(count, options, body) {
  const { webhooks = (url) => [{ url }], app, settings, ...cluster } = options;
  const backend = await new Backend().listen();
  try {
    await withCluster(count, { ...cluster, start: false }, async (mesh) => {
      for (const node of mesh.nodes) {
        const hooks = webhooks(backend.url).map((hook) => ({ headers: { 'X-Node': node.name }, ...hook }));
        const file = path.join(mesh.directory, `${node.name}.toml`);
        await fs.writeFile(file, configuration({ app, webhooks: hooks, settings }));
        node.args = [...node.args, '--config', file];
      }
      await mesh.start();
      await body(mesh, backend);
    });
  } finally {
    backend.close();
  }
}
