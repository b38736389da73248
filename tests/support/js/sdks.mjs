// The SDKs of other languages, each in a small program of its own that is driven by lines of JSON. What they need is downloaded by
// their registries' own clients, in the versions that are locked beside the programs, into build/sdk.
import { execFile, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './process.mjs';
import { waitFor } from './wait.mjs';

const HERE = path.join(PROJECT, 'tests/support');
const BUILT = path.join(PROJECT, 'build/sdk');
const BUILD_MS = 600_000;

const run = (command, args, options = {}) => promisify(execFile)(command, args, { timeout: BUILD_MS, maxBuffer: 1 << 26, ...options });

/** The path of a Python of its own that has what the file asks for; `name`: its folder. */
export async function python(name, requirements) {
  const place = path.join(BUILT, name);
  await run('python3', ['-m', 'venv', place]);
  await run(path.join(place, 'bin/pip'), ['install', '-q', '--no-deps', '-r', path.join(HERE, requirements)]);
  return path.join(place, 'bin/python');
}

/** What each needs, how it is built, and the command that runs it. */
export const LANGUAGES = {
  go: {
    needs: [['go', 'version']],
    async build() {
      await run('go', ['build', '-mod=readonly', '-o', path.join(BUILT, 'go/sdk'), '.'], { cwd: path.join(HERE, 'go') });
      return [path.join(BUILT, 'go/sdk')];
    },
  },
  python: {
    needs: [['python3', '-m', 'venv', '--help']],
    build: async () => [await python('python', 'python/requirements.txt'), path.join(HERE, 'python/sdk.py')],
  },
  java: {
    needs: [['javac', '-version'], ['mvn', '--version']],
    async build() {
      const libraries = path.join(BUILT, 'java/lib');
      await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`], { cwd: path.join(HERE, 'java') });
      await run('javac', ['-d', path.join(BUILT, 'java'), '-cp', `${libraries}/*`, path.join(HERE, 'java/Sdk.java')]);
      return ['java', '-cp', `${libraries}/*:${path.join(BUILT, 'java')}`, 'Sdk'];
    },
  },
  rust: {
    needs: [['cargo', '--version']],
    async build() {
      const target = path.join(BUILT, 'rust');
      await run('cargo', ['build', '-q', '--locked', '-j2'],
        { cwd: path.join(HERE, 'rust'), env: { ...process.env, CARGO_TARGET_DIR: target } });
      return [path.join(target, 'debug/sdk')];
    },
  },
};

/** Why this language cannot be had here; false when it can. */
export function missing(language) {
  const lacking = LANGUAGES[language].needs.filter(([command, ...args]) => spawnSync(command, args).status !== 0);
  return lacking.length === 0 ? false : `LEFT OUT, as there is no ${lacking.map(([command]) => command).join(', no ')} here`;
}

/** An SDK that works for an app at a node. */
class Sdk {
  answers = [];
  text = '';

  constructor([command, ...args], node, app) {
    this.child = spawn(command, [...args, node.ports.listen, app.appId, app.key, app.secret], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.text += text;
      const lines = this.text.split('\n');
      this.text = lines.pop();
      this.answers.push(...lines.map((line) => JSON.parse(line)));
    });
    this.child.on('exit', (code) => { this.code = code; });
    this.child.stdin.on('error', () => {});  // of a program that has ended: its answer is missed below
  }

  /** The answer to one request; an error of the SDK is thrown. */
  async ask(request) {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    await waitFor(`the answer to ${request.do}`, () => this.answers.length > 0 || this.code !== undefined);
    const answer = this.answers.shift() ?? { error: `the program has ended with ${this.code}` };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }
}

/** Runs `body` with a function that asks the SDK. */
export async function withSdk(language, node, app, body) {
  await fs.mkdir(path.join(BUILT, language), { recursive: true });
  const sdk = new Sdk(await LANGUAGES[language].build(), node, app);
  try {
    await body((request) => sdk.ask(request));
  } finally {
    sdk.child.kill();
  }
}
