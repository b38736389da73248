// Meshes whose app has other settings than the default one.
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { APP } from './clients.mjs';
import { withCluster } from './cluster.mjs';

/** As withCluster; `settings` are lines of the app's table. */
export async function withConfigured(count, settings, options, body) {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-config-'));
  const file = path.join(directory, 'node.toml');
  const app = [`id = "${APP.appId}"`, `key = "${APP.key}"`, `secret = "${APP.secret}"`, 'client_events = true', ...settings];
  await fs.writeFile(file, `[[apps]]\n${app.join('\n')}\n`);
  try {
    const { args = [], ...others } = options;
    await withCluster(count, { args: ['--config', file, ...args], ...others }, body);
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}
