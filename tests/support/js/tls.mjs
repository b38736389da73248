// Nodes with a TLS listener, and clients of it.
import fs from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { Authority } from './authority.mjs';
import { RawClient } from './clients.mjs';
import { Cluster } from './cluster.mjs';
import { parts } from './http.mjs';
import { within } from './wait.mjs';

/**
 * Runs `body({ cluster, nodes, authority, ca, pair })` with nodes that show the certificate `pair`, for localhost. `settings`: more
 * arguments of each node.
 */
export async function withTls(count, body, { args = [], topology = 'chain', ...options } = {}) {
  const cluster = await Cluster.create(count, options);
  try {
    const authority = await Authority.create(path.join(cluster.directory, 'tls'));
    const pair = await authority.issue('localhost', ['localhost']);
    for (const node of cluster.nodes) {
      node.args = ['--tls-listen', '127.0.0.1:0', '--tls-cert-file', pair.cert, '--tls-key-file', pair.key, ...args];
    }
    await cluster.start(topology);
    await body({ cluster, nodes: cluster.nodes, authority, pair, ca: await fs.readFile(authority.ca) });
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
}

/** The arguments of node:tls for a node. `ca`: what to trust. */
export const trust = (node, ca, options = {}) => ({
  ...parts(node.ports.tls_listen), ca, servername: 'localhost', ...options,
});

/** A TLS connection whose handshake is done; rejects when it fails. */
export function handshake(options, ms = 10_000) {
  return within(ms, 'a TLS handshake', new Promise((resolve, reject) => {
    const socket = tls.connect(options, () => resolve(socket));
    socket.once('error', reject);
  }));
}

/** The serial number and the name of the certificate that the node shows to a client that asks for this server. */
export async function shown(node, servername) {
  const socket = await handshake(trust(node, undefined, { servername, rejectUnauthorized: false }));
  const { serialNumber, subject } = socket.getPeerCertificate();
  socket.destroy();
  return { serialNumber, name: subject.CN };
}

/** Answers {status, body} of a GET by https. */
export function get(options, path) {
  return new Promise((resolve, reject) => {
    https.get({ ...options, path, agent: false, timeout: 10_000 }, (answer) => {
      let body = '';
      answer.on('data', (part) => { body += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    }).on('error', reject).on('timeout', function timeout() { this.destroy(new Error('no answer')); });
  });
}

/** A bare WebSocket by wss. */
export class SecureClient extends RawClient {
  constructor(node, ca, options = {}) {
    super(node, undefined, { ca, servername: 'localhost', ...options });
  }

  static url(node, target) { return `wss://${node.ports.tls_listen}${target}`; }
}
