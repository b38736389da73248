// A process that stands still: for tests of nodes that are frozen.
import fs from 'node:fs/promises';
import { waitFor } from './wait.mjs';

/** The state of each thread of a process, as the kernel shows it: T for one that is stopped. */
async function states(pid) {
  const threads = await fs.readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((thread) => fs.readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
  return stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2)[0]);
}

/**
 * Stops a process, and resolves when all of its threads stand still. The signal alone is not enough: on a busy machine a thread may go on,
 * and answer, before the thread that takes the signal has run.
 */
export async function freeze(pid) {
  process.kill(pid, 'SIGSTOP');
  await waitFor(`process ${pid} to stand still`, async () => (await states(pid)).every((state) => state === 'T'));
}
