// The programs under test, as processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const BIN = process.env.TULLE_BIN_DIR ?? path.join(PROJECT, 'build/release/bin');

/** The path of a program under test, which is in the tree that is tested, unless `name` is a path itself. */
export const binary = (name) => (path.isAbsolute(name) ? name : path.join(BIN, name));

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Without the variables that would configure the programs. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TULLE_')));
}

/** A running program: what it wrote so far, and how it ended. */
export class Program {
  stdout = '';
  stderr = '';

  /**
   * `input`: the program reads what say() writes, until endInput(). `descriptors`: it may have no more than so many. `under`: a
   * command that runs it in its own place.
   */
  constructor(name, args, { env = {}, cwd, input = false, descriptors, under = [] } = {}) {
    const limits = descriptors ? ['prlimit', `--nofile=${descriptors}:${descriptors}`] : [];
    const [command, ...all] = [...limits, ...under, binary(name), ...args];
    this.child = spawn(command, all, {
      cwd, env: { ...cleanEnvironment(), ...env }, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    running.add(this.child);
    this.child.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text; });
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
    /** {code, signal}, once it has ended and all that it wrote has been read. */
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      running.delete(this.child);
      return { code, signal };
    });
    this.ended.catch(() => {});
  }

  get pid() { return this.child.pid; }
  get hasEnded() { return this.child.exitCode !== null || this.child.signalCode !== null; }
  get output() { return this.stdout + this.stderr; }

  say(line) { this.child.stdin.write(`${line}\n`); }
  endInput() { this.child.stdin.end(); }

  kill(signal = 'SIGTERM') { this.child.kill(signal); }
}

/** Runs a program to its end: {code, signal, stdout, stderr}. */
export async function run(name, args, { ms = 10_000, ...options } = {}) {
  const program = new Program(name, args, options);
  try {
    const end = await within(ms, `the end of ${name} ${args.join(' ')}`, program.ended);
    return { ...end, stdout: program.stdout, stderr: program.stderr };
  } finally {
    program.kill('SIGKILL');
  }
}
