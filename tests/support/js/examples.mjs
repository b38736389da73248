// The example programs of the C++ client, driven by what they read and judged by what they print.
import assert from 'node:assert/strict';
import { Program } from './process.mjs';
import { waitFor, within } from './wait.mjs';

const END_MS = 10_000;

export class Example {
  /** `args`: before the servers. The first of `nodes` is the one it connects to. */
  constructor(name, nodes, ...args) {
    const servers = nodes.map((node) => `ws://${node.ports.listen}`);
    this.program = new Program(`tulle_example_${name}`, [...args, ...servers], { input: true });
  }

  get lines() { return this.program.stdout.split('\n').slice(0, -1); }

  say(line) { this.program.say(line); }

  /** Until it has printed this line (or one like it) so many times. */
  async prints(wanted, times = 1) {
    const is = typeof wanted === 'string' ? (line) => line === wanted : (line) => wanted.test(line);
    await waitFor(`the line ${wanted}, ${times} time(s)`, () => {
      assert.ok(!this.program.hasEnded, `it has ended: ${this.program.stderr}`);
      return this.lines.filter(is).length >= times;
    });
    return this.lines.filter(is);
  }

  /** Ends its input, and waits until it has closed its connection in good order. */
  async finish() {
    this.program.endInput();
    const { code } = await within(END_MS, 'the end of the example', this.program.ended);
    assert.equal(code, 0, this.program.output);
    assert.match(this.lines.at(-1), /^closed /);
  }
}

/** Runs `body` with a function that starts examples; kills those that it has not finished. */
export async function withExamples(body) {
  const started = [];
  const start = (...args) => {
    started.push(new Example(...args));
    return started.at(-1);
  };
  try {
    await body(start);
  } catch (error) {
    for (const { program } of started) console.error(`${program.child.spawnargs.join(' ')}\n${program.output}`);
    throw error;
  } finally {
    started.forEach(({ program }) => program.kill('SIGKILL'));
  }
}
