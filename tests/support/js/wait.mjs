// Waiting with a deadline. Nothing here sleeps for a while and hopes.

const POLL_MS = 10;

/** Rejects unless the promise settles within so many milliseconds. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Asks again and again until `condition` answers something true, and answers that. A condition that throws is not true yet;
 * what it threw last is told when the time is over.
 */
export async function waitFor(what, condition, { ms = 10_000, every = POLL_MS } = {}) {
  const deadline = performance.now() + ms;
  let last = '';
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer;
      last = '';
    } catch (error) {
      last = `: ${error.message}`;
    }
    if (performance.now() >= deadline) throw new Error(`not within ${ms} ms: ${what}${last}`);
    await new Promise((resolve) => { setTimeout(resolve, every); });
  }
}
