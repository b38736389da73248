// What node/doc/clients.md has readers copy, as it stands there apart from the ports: a page hears at one node what a backend says at another.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { parts } from '../support/js/http.mjs';
import { PROJECT, Program } from '../support/js/process.mjs';
import { Recipes } from '../support/js/recipes.mjs';
import { LANGUAGES, missing } from '../support/js/sdks.mjs';
import { waitFor } from '../support/js/wait.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const APP = { appId: '1', key: 'app-key', secret: 'app-secret' };
const HERE = path.join(PROJECT, 'tests');
const NOT_RUN = ['PHP', '.NET'];
const run = (command, args, options) => promisify(execFile)(command, args, { timeout: 120_000, ...options });

let cluster;
let blocks;
before(async () => {
  cluster = await Cluster.create(3, { env: { TULLE_APP_ID: APP.appId, TULLE_APP_KEY: APP.key, TULLE_APP_SECRET: APP.secret } });
  await cluster.start();
  blocks = await Recipes.read('node/doc/clients.md', (heading) => !NOT_RUN.includes(heading));
});
after(() => cluster?.stop());

/** The text of the block under a heading, with the ports of these nodes. */
function textOf(heading) {
  const [first, , last] = cluster.nodes.map(({ ports }) => String(parts(ports.listen).port));
  const { text } = blocks.take(heading);
  assert.ok(text.includes('6001') !== text.includes('6003'), 'the document names the port of one node');
  return text.replace('6001', first).replace('6003', last);
}

/** A program in a file of its own beside the packages of the tests, which prints what it hears. */
async function listening(heading, body) {
  const file = path.join(HERE, `document-${process.pid}-${heading.replace(' ', '-')}.mjs`);
  // What a browser has.
  await fs.writeFile(file, `globalThis.window = globalThis;\n${textOf(heading)}`);
  const program = new Program(process.execPath, [file]);
  try {
    await subscription(program);
    await body(program);
  } finally {
    program.kill('SIGKILL');
    await program.ended;
    await fs.rm(file);
  }
}

/** Until the program has subscribed. */
const subscription = (program) => waitFor('the subscription', async () => {
  assert.ok(!program.hasEnded, program.output);
  const answer = await server(cluster.nodes[1], APP).get({ path: '/channels' });
  return 'news' in (await answer.json()).channels;
});
const hears = (program) => waitFor('the event', () => program.stdout.includes('hi\n'));

describe('what clients.md has readers copy', () => {
  test('pusher-js hears what the SDK for Node says', () => listening('pusher-js', async (page) => {
    await run(process.execPath, ['--input-type=module', '-e', textOf('Node')], { cwd: HERE });
    await hears(page);
  }));

  test('Laravel Echo hears what a backend says', () => listening('Laravel Echo', async (page) => {
    await server(cluster.nodes[1], APP).trigger('news', 'hello', { text: 'hi' });
    await hears(page);
  }));

  const programs = {
    python: { heading: 'Python', says: async (text, [command]) => run(command, ['-c', text]) },
    go: { heading: 'Go', says: async (text, _, folder) => {
      for (const file of ['go.mod', 'go.sum']) await fs.copyFile(path.join(HERE, 'support/go', file), path.join(folder, file));
      await fs.writeFile(path.join(folder, 'main.go'), text);
      await run('go', ['run', '-mod=readonly', '.'], { cwd: folder });
    } },
    java: { heading: 'Java', says: async (text, [, , classPath], folder) => {
      await fs.writeFile(path.join(folder, 'Hello.java'), text);
      const { stdout } = await run('java', ['-cp', classPath, path.join(folder, 'Hello.java')]);
      assert.equal(stdout, 'SUCCESS\n');
    } },
  };
  for (const [language, { heading, says }] of Object.entries(programs)) {
    test(`the SDK for ${heading} is heard`, { skip: FULL ? missing(language) : 'downloaded with --full alone' }, async () => {
      const folder = path.join(PROJECT, 'build/sdk', language);
      await fs.mkdir(folder, { recursive: true });
      const command = await LANGUAGES[language].build();
      const at = await fs.mkdtemp(path.join(folder, 'document-'));
      const page = new Program('tulle', ['sub', 'news', '--url', `http://${cluster.nodes[0].ports.listen}`, '--app-key', APP.key]);
      try {
        await subscription(page);
        await says(textOf(heading), command, at);
        await waitFor('the event', () => /"text": ?"hi"/.test(page.stdout));
      } finally {
        page.kill('SIGKILL');
        await page.ended;
        await fs.rm(at, { recursive: true });
      }
    });
  }

  test('every block was taken', { skip: FULL ? false : 'some are run with --full alone' }, () => {
    assert.deepEqual(blocks.left, []);
  });
});
