// The files of tools/packaging/prometheus: the alerts by their own tests, and with a real Prometheus that watches a mesh; and the dashboard.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { request } from '../support/js/http.mjs';
import { metricsOf, namesIn, withAllMetrics } from '../support/js/metrics.mjs';
import { freePort } from '../support/js/ports.mjs';
import { PROJECT, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const PROMETHEUS = process.env.TULLE_PROMETHEUS ?? '/usr/bin/prometheus';
const PROMTOOL = process.env.TULLE_PROMTOOL ?? '/usr/bin/promtool';
const FOLDER = path.join(PROJECT, 'tools/packaging/prometheus');
const skip = [PROMETHEUS, PROMTOOL].filter((program) => !existsSync(program)).map((program) => `no ${program}`)[0] ?? false;

const file = (name) => fs.readFile(path.join(FOLDER, name), 'utf8');
const dashboard = async () => JSON.parse(await file('tulle.dashboard.json'));
const targetsOf = ({ panels }) => panels.flatMap((panel) => panel.targets ?? []);

/** The text with `from` replaced, which must be there. */
function replaced(text, from, to) {
  assert.notEqual(text.search(from), -1, `${from} is in the file`);
  return text.replaceAll(from, to);
}

describe('the dashboard', () => {
  test('has what Grafana needs', async () => {
    const board = await dashboard();
    assert.ok(board.title && board.uid && board.schemaVersion >= 30 && board.version >= 1);
    assert.ok(!('id' in board), 'the number of a dashboard is given by the Grafana that takes it in');
    assert.deepEqual(board.templating.list.map(({ name, type }) => `${name} ${type}`), ['datasource datasource', 'job query', 'instance query']);
    assert.deepEqual(board.panels.filter(({ type }) => type === 'row').map(({ title }) => title),
      ['Overview', 'Connections', 'Delivery', 'Mesh', 'Webhooks', 'Redis']);
    assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length, 'ids are distinct');
    for (const { type, title, description, gridPos, datasource, targets, fieldConfig } of board.panels) {
      assert.ok(title && gridPos.w > 0 && gridPos.h > 0 && gridPos.x + gridPos.w <= 24, title);
      if (type === 'row') continue;
      assert.ok(['timeseries', 'stat'].includes(type) && description.endsWith('.') && fieldConfig.defaults.unit, title);
      assert.equal(datasource.uid, '${datasource}');
      assert.ok(targets.length > 0);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      for (const { expr } of targets) {
        const selectors = expr.match(/\b(tulle|process)_\w+|\bup\b/g).length;
        assert.equal(expr.split('{job=~"$job",instance=~"$instance"}').length - 1, selectors, `each metric is of the chosen nodes: ${expr}`);
      }
    }
    // No panel covers another one.
    const taken = new Set();
    for (const { title, gridPos: { x, y, w, h } } of board.panels) {
      for (let i = 0; i < w * h; ++i) {
        const place = `${x + (i % w)} ${y + Math.floor(i / w)}`;
        assert.ok(!taken.has(place), `${title} stands at ${place}`);
        taken.add(place);
      }
    }
  });
});

describe('the alerts', { skip }, () => {
  test('do what their tests say', async () => {
    const { code, stdout, stderr } = await run(PROMTOOL, ['test', 'rules', path.join(PROJECT, 'tests/support/prometheus/alerts_test.yml')]);
    assert.equal(code, 0, stdout + stderr);
    const rules = [...(await file('tulle.rules.yml')).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tests = await fs.readFile(path.join(PROJECT, 'tests/support/prometheus/alerts_test.yml'), 'utf8');
    assert.ok(rules.length >= 15);
    for (const rule of rules) assert.match(tests, new RegExp(`alertname[=:] ?"?${rule}\\b`), `${rule} is tested`);
  });
});

/** Runs `body(ask)` with a Prometheus that scrapes the nodes by the packaged files, every 200 ms and with alerts that do not wait. */
async function withPrometheus(cluster, nodes, token, body) {
  const directory = path.join(cluster.directory, 'prometheus');
  await fs.mkdir(directory);
  const rules = path.join(directory, 'tulle.rules.yml');
  const secret = path.join(directory, 'tulle.token');
  await fs.writeFile(secret, token, { mode: 0o600 });
  await fs.writeFile(rules, replaced(await file('tulle.rules.yml'), /^ +for: .*$/gm, '        for: 0s'));
  let config = await file('prometheus.yml');
  config = replaced(config, /(scrape|evaluation)_interval: 15s/g, '$1_interval: 200ms');
  config = replaced(config, '/etc/prometheus/tulle.rules.yml', rules);
  config = replaced(config, '/etc/prometheus/tulle.token', secret);
  config = replaced(config, /targets: .*$/gm, `targets: ${JSON.stringify(nodes.map(({ ports }) => ports.admin))}`);
  const main = path.join(directory, 'prometheus.yml');
  await fs.writeFile(main, config);
  const checked = await run(PROMTOOL, ['check', 'config', main]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  const address = `127.0.0.1:${await freePort()}`;
  const prometheus = spawn(PROMETHEUS, [`--config.file=${main}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=${address}`],
    { stdio: 'ignore' });
  const ended = new Promise((resolve) => { prometheus.once('exit', resolve); });
  const ask = async (target, parameters) => {
    const query = parameters ? `?${new URLSearchParams(parameters)}` : '';
    const answer = JSON.parse((await request(address, `/api/v1/${target}${query}`)).body);
    assert.equal(answer.status, 'success', `${target} ${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  };
  try {
    await body(ask);
  } finally {
    prometheus.kill('SIGKILL');
    await ended;
  }
}

test('a real Prometheus knows every metric that is named, and fires when a node is killed', { skip }, () => withAllMetrics(3, async ({ cluster, nodes, token }) => {
  const metrics = await metricsOf(nodes[0]);
  const histograms = new Set([...metrics].filter(([, { type }]) => type === 'histogram').map(([name]) => name));
  const named = namesIn((await file('tulle.rules.yml')).replace(/#.*$/gm, ''), histograms);
  const board = await dashboard();
  namesIn(JSON.stringify(board), histograms).forEach((name) => named.add(name));
  assert.ok(named.size > 60, `${named.size}`);
  assert.deepEqual([...named].filter((name) => !metrics.has(name)), [], 'names that no node has');

  await withPrometheus(cluster, nodes, token, async (ask) => {
    await waitFor('all nodes to be scraped twice', async () => {
      const { result } = await ask('query', { query: 'count_over_time(up[1m]) > 1 and on (instance) up == 1 and on (instance) tulle_ready == 1' });
      return result.length === nodes.length;
    }, { ms: 30_000 });
    const { groups: [{ rules }] } = await waitFor('the rules to be evaluated', async () => {
      const data = await ask('rules');
      return data.groups[0]?.rules.every(({ health }) => health !== 'unknown') && data;
    });
    for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`);
    // What the dashboard asks, with all nodes chosen. A vector may be empty (no TLS handshake yet), but must be one.
    const chosen = (expr) => expr.replaceAll('"$job"', '"tulle"').replaceAll('"$instance"', '".*"').replaceAll('$__rate_interval', '1m');
    const answers = await Promise.all(targetsOf(board).map(async ({ expr }) => ({ expr, ...await ask('query', { query: chosen(expr) }) })));
    for (const { expr, resultType } of answers) assert.equal(resultType, 'vector', expr);
    assert.ok(answers.filter(({ result }) => result.length > 0).length > answers.length / 2);
    const healthy = answers.find(({ expr }) => expr.startsWith('min(tulle_mesh_members_alive'));
    assert.equal(healthy.result[0].value[1], '3');

    const firing = async () => (await ask('alerts')).alerts.filter(({ state }) => state === 'firing').map(({ labels }) => `${labels.alertname} ${labels.instance ?? labels.job}`);
    assert.deepEqual(await firing(), [], 'a healthy mesh fires nothing');
    await nodes[2].kill();
    const down = `TulleNodeDown ${nodes[2].ports.admin}`;
    await waitFor('the alert', async () => (await firing()).includes(down));
    await waitFor('the others to agree that one is gone', async () => (await Promise.all([nodes[0], nodes[1]].map((node) => node.stateOf('n3')))).every((state) => state === 'dead'));
    await waitFor('nothing else to be wrong', async () => String(await firing()) === down);
  });
}));
