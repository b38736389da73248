// The text format of Prometheus, read strictly: what /metrics of a node says.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Authority } from './authority.mjs';
import { Cluster } from './cluster.mjs';
import { request } from './http.mjs';

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * The metrics of a text, by name: { help, type, samples: [{ name, labels, value }] }. Fails on a line that is none of the format, and on a sample
 * that does not stand below the HELP and TYPE of its metric.
 */
export function parseMetrics(text) {
  const metrics = new Map();
  let last;
  assert.ok(text.endsWith('\n'), 'the last line ends');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, what, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      assert.ok(!metrics.has(name), `${name} comes twice`);
      last = { name, help: rest, samples: [] };
      metrics.set(name, last);
    } else if (what === 'TYPE') {
      assert.equal(last?.name, name, `HELP before TYPE of ${name}`);
      last.type = rest;
    } else {
      const [, sample, labels = '', value] = SAMPLE.exec(line) ?? assert.fail(`no line of the format: ${line}`);
      const names = [last?.name, ...(SUFFIXES[last?.type] ?? []).map((suffix) => last.name + suffix)];
      assert.ok(last?.type && names.includes(sample), `${sample} stands below another metric`);
      last.samples.push({ name: sample, labels: Object.fromEntries([...labels.matchAll(LABEL)].map((m) => m.slice(1))), value: Number(value.replace('Inf', 'Infinity')) });
    }
  }
  return metrics;
}

/** The metrics of a node, by name. */
export async function metricsOf(node) {
  const { status, body } = await request(node.ports.admin, '/metrics', { headers: node.adminHeaders });
  assert.equal(status, 200);
  return parseMetrics(body);
}

/** The value of the sample with exactly these labels; undefined when there is none. */
export function sampleOf(metrics, name, labels = {}) {
  const isIt = (sample) => sample.name === name && Object.keys(sample.labels).length === Object.keys(labels).length &&
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
  for (const { samples } of metrics.values()) {
    const found = samples.find(isIt);
    if (found) return found.value;
  }
  return undefined;
}

/** Names that stand in a text of PromQL or of a document: those of the node's metrics, without the suffixes of histograms. */
export function namesIn(text, histograms) {
  const found = new Set();
  for (const [name] of text.matchAll(/\b(?:tulle|process)_[a-z0-9_]+/g)) {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    found.add(histograms.has(base) ? base : name);
  }
  return found;
}

/**
 * Runs `body({ cluster, nodes, token })` with nodes that have everything that has metrics: TLS, clients of Redis, mesh keys, and an admin port
 * with a token for Prometheus.
 */
export async function withAllMetrics(count, body, options = {}) {
  const cluster = await Cluster.create(count, options);
  try {
    const token = crypto.randomBytes(24).toString('base64url');
    const tokens = path.join(cluster.directory, 'admin.tokens');
    await fs.writeFile(tokens, `prometheus read ${token}\n`, { mode: 0o600 });
    const pair = await (await Authority.create(path.join(cluster.directory, 'tls'))).issue('localhost', ['localhost']);
    for (const node of cluster.nodes) {
      node.args = ['--tls-listen', '127.0.0.1:0', '--tls-cert-file', pair.cert, '--tls-key-file', pair.key, '--redis-listen', '127.0.0.1:0',
        '--admin-token-file', tokens];
      node.adminHeaders = { Authorization: `Bearer ${token}` };
    }
    await cluster.start();
    await body({ cluster, nodes: cluster.nodes, token });
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
}
