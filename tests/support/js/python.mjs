// Programs in Python among the clients, run by Debian's Python, whose modules are Debian packages.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

export const PYTHON = '/usr/bin/python3';
/** Most of it is for Python to find its modules, on a machine that is busy. */
export const PYTHON_MS = 40_000;
export const clientProgram = (name) => fileURLToPath(new URL(`../clients/${name}`, import.meta.url));

/** Why a test is left out; false when Python finds the modules. */
export const isAbsent = (modules, packages) =>
  spawnSync(PYTHON, ['-c', `import ${modules}`], { stdio: 'ignore' }).status !== 0 && `not all of these is installed: ${packages}`;

/** Runs a program whose last line is "all is well", or that says what is not. */
export async function endsWell(program, args) {
  const { code, stdout, stderr } = await run(program, args, { ms: PYTHON_MS });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^all is well$/m);
}
