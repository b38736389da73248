// Servers of Socket.IO, each at a node of its own, while node after node is killed and comes back: what the adapters of the others ask is
// answered rightly and at once, and what is published among the living arrives once and in order.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';
import { LIBRARIES } from '../support/js/redis_drivers.mjs';
import { withRedisMesh } from '../support/js/redis_mesh.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const NODES = 3;
const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const KILLS = FULL ? 10 : 3;
const KILL_EVERY_MS = FULL ? 10_000 : 3_000;
// Longer than a death takes to be found, so that each call after it must do without the dead; and started again at once.
const DOWN_MS = [1_500, 1_500, 0];
const RIGHT_MS = 600;
const ASK_EVERY_MS = 20;
const MS = 15_000;
const GOAL = 0.999;

const library = (name) => LIBRARIES.find((one) => one.name === name);
const elapsed = (what, due) => waitFor(what, () => performance.now() >= due, { ms: KILL_EVERY_MS + MS });

/** A server of Socket.IO at a node: two connections to the node that come back by themselves, and a client of the server. */
class App {
  static async start(place, { clients, adapter }) {
    const app = new App();
    app.place = place;
    for (const role of ['pub', 'sub']) app[role] = await library(clients).open(place);
    app.http = http.createServer();
    app.io = new Server(app.http, { transports: ['websocket'], adapter: adapter(app.pub.client, app.sub.client) });
    await new Promise((resolve) => { app.http.listen(0, '127.0.0.1', resolve); });
    app.client = connect(`http://127.0.0.1:${app.http.address().port}`, { transports: ['websocket'], forceNew: true });
    [app.socket] = await within(MS, 'a client to connect', Promise.all([
      new Promise((resolve) => { app.io.once('connection', resolve); }),
      new Promise((resolve) => { app.client.once('connect', resolve); }),
    ]));
    app.subReady = app.pubReady = 0;
    app.sub.client.on('ready', () => { app.sub.ping().then(() => { app.subReady = performance.now(); }, () => {}); });
    app.pub.client.on('ready', () => { app.pubReady = performance.now(); });
    return app;
  }

  async stop() {
    this.client.disconnect();
    await this.io.close();
    for (const driver of [this.pub, this.sub]) {
      await within(MS, 'what was asked before to be answered', driver.ping());
      driver.drop();
    }
  }
}

/** What a call asks, and the ids or the number of the servers that it told of. */
const CALLS = {
  serverCount: async ({ io }) => ({ count: await io.of('/').adapter.serverCount() }),
  fetchSockets: async ({ io }) => ({ ids: (await io.fetchSockets()).map(({ id }) => id) }),
};

/** The calls that the servers of living nodes make, and when each server was there. */
class Watch {
  calls = [];
  kills = [];

  constructor(apps) {
    this.apps = apps;
    for (const app of apps) app.absences = []; // {kill, launch, back}: gone, perhaps back, surely back
    this.timer = setInterval(() => {
      for (const app of apps) if (!this.isAway(app)) for (const kind of Object.keys(CALLS)) this.call(app, kind);
    }, ASK_EVERY_MS);
  }

  isAway(app) { return app.absences.length > 0 && app.absences.at(-1).back === undefined; }

  call(app, kind) {
    const call = { app, kind, at: performance.now() };
    this.calls.push(call);
    CALLS[kind](app).then((result) => Object.assign(call, result), (error) => { call.error = error.message; })
      .finally(() => { call.end = performance.now(); });
  }

  kill(app) {
    const absence = { kill: performance.now() };
    app.place.node.program.kill('SIGKILL');
    app.absences.push(absence);
    this.kills.push(absence.kill);
    return absence;
  }

  async stop() {
    clearInterval(this.timer);
    await waitFor('the last calls to end', () => this.calls.every(({ end }) => end !== undefined));
  }

  /** Which servers must and which may be told of by a call that began and ended then. */
  expected(at, end) {
    const must = [];
    const may = [];
    for (const app of this.apps) {
      const touching = app.absences.filter(({ kill, back = Infinity }) => kill <= end && at <= back);
      if (touching.length === 0) must.push(app);
      // Gone for all of the call: killed RIGHT_MS before it began, and started again after it ended.
      const isGone = touching.some(({ kill, launch = Infinity }) => kill + RIGHT_MS < at && end < launch);
      if (!isGone) may.push(app);
    }
    return { must, may };
  }

  /** What is wrong with a call; null when nothing is. */
  wrongOf(call) {
    const took = call.end - call.at;
    const { must, may } = this.expected(call.at, Math.min(call.end, call.at + RIGHT_MS));
    if (call.error) return call.error;
    if (took > RIGHT_MS) return `late, ${took.toFixed(0)} ms`;
    const count = call.count ?? call.ids.length;
    const wanted = `${count} servers, not ${must.length === may.length ? '' : `${must.length} to `}${may.length}`;
    if (call.kind === 'serverCount') return count < must.length || count > may.length ? wanted : null;
    const has = ({ socket }) => call.ids.includes(socket.id);
    if (may.filter(has).length !== count) return `${wanted}: one twice, or one that is gone`;
    // The adapters wait for so many answers as there were servers when they counted. A server that comes between the count and the
    // question answers too, with any Redis, and its answer is taken for that of another one.
    const arrived = may.filter((app) => !must.includes(app) && has(app)).length;
    const missing = must.filter((app) => !has(app)).length;
    if (missing > arrived) return wanted;
    call.isOvertaken = missing > 0;
    return null;
  }

  /** A call of a server whose own node died or came back meanwhile says nothing. */
  counts({ app, at, end }) { return !app.absences.some(({ kill, back = Infinity }) => kill <= end && at <= back); }

  report(name) {
    const phases = { 'at rest': [], 'while a node comes back': [], 'under way at a kill': [], 'within 0.6 s after a kill': [] };
    for (const call of this.calls.filter((one) => this.counts(one))) {
      const wrong = this.wrongOf(call);
      const took = call.end - call.at;
      const last = Math.max(...this.kills.filter((kill) => kill <= call.at), -Infinity);
      const isUnderWay = this.kills.some((kill) => call.at < kill && kill <= call.end && kill - call.at < RIGHT_MS);
      const isBack = this.apps.some(({ absences }) => absences.some(({ kill, back = Infinity }) => kill <= call.at && call.at <= back));
      const phase = isUnderWay ? 'under way at a kill' : call.at - last <= RIGHT_MS ? 'within 0.6 s after a kill'
        : isBack ? 'while a node comes back' : 'at rest';
      phases[phase].push({ ...call, took, wrong, after: call.at - last });
    }
    for (const [phase, calls] of Object.entries(phases)) {
      const wrong = calls.filter((call) => call.wrong);
      const times = calls.filter((call) => !call.wrong).map(({ took }) => took).sort((a, b) => a - b);
      const late = wrong.length ? `; last begun ${Math.max(...wrong.map(({ after }) => after)).toFixed(0)} ms after a kill` : '';
      console.log(`# ${name}, ${phase}: ${calls.length - wrong.length} of ${calls.length} right, p50 ${at(times, 0.5)} ms, ` +
        `p99 ${at(times, 0.99)} ms, longest ${at(times, 1)} ms; ` +
        `${calls.filter(({ isOvertaken }) => isOvertaken).length} overtaken by a new server${late}`);
      const reasons = new Map();
      for (const call of wrong) {
        const reason = `${call.kind}: ${call.wrong}`;
        reasons.set(reason, [...(reasons.get(reason) ?? []), Math.round(call.after)]);
      }
      for (const [reason, when] of reasons) {
        console.log(`#   ${when.length} × ${reason}; begun ${when.slice(0, 12).join(', ')} ms after the last kill`);
      }
    }
    return phases;
  }
}

const at = (sorted, part) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(1) : '-');

/** Starts a killed node again, until its server is subscribed again. */
async function comeBack(app, absence, downMs) {
  await app.place.node.gone();
  await elapsed('the node to have been away', absence.kill + downMs);
  absence.launch = performance.now();
  await app.place.restart();
  await app.place.node.ready();
  await waitFor('the server to be subscribed again', () => app.subReady > absence.launch && app.pubReady > absence.launch, { ms: MS });
  absence.back = performance.now();
}

const KINDS = [
  { name: 'the classic adapter with ioredis 5', clients: 'ioredis 5', adapter: (pub, sub) => createAdapter(pub, sub) },
  { name: 'the sharded adapter with node-redis 5', clients: 'node-redis 5', adapter: (pub, sub) => createShardedAdapter(pub, sub) },
];

for (const kind of KINDS) {
  test(`${kind.name}: what the servers of living nodes ask is answered rightly while nodes are killed`, () =>
    withRedisMesh(NODES, async (places) => {
      const apps = [];
      try {
        for (const place of places) apps.push(await App.start(place, kind));
        await waitFor('the adapters to know of each other', async () =>
          (await Promise.all(apps.map(({ io }) => io.of('/').adapter.serverCount()))).every((count) => count === NODES));
        const watch = new Watch(apps);
        await elapsed('calls at rest', performance.now() + 1_000);
        for (let i = 0; i < KILLS; ++i) {
          const app = apps[i % NODES];
          const absence = watch.kill(app);
          await comeBack(app, absence, DOWN_MS[i % DOWN_MS.length]);
          await elapsed('the next kill', absence.kill + KILL_EVERY_MS);
        }
        await watch.stop();
        const phases = watch.report(kind.name);
        const backs = apps.flatMap(({ absences }) => absences.map(({ launch, back }) => Math.round(back - launch)));
        console.log(`# ${kind.name}: subscribed again after ${backs.join(', ')} ms`);
        const outside = [...phases['at rest'], ...phases['while a node comes back']];
        const right = outside.filter(({ wrong }) => !wrong).length;
        console.log(`# ${kind.name}: ${right} of ${outside.length} right outside, ${((100 * right) / outside.length).toFixed(3)} %`);
        assert.ok(right >= GOAL * outside.length, `${outside.length - right} of ${outside.length} calls are wrong outside`);
        assert.deepEqual(outside.filter(({ wrong }) => wrong).map(({ kind: asked, wrong, after }) => ({ asked, wrong, after })), []);
      } finally {
        await Promise.all(apps.map((app) => app.stop()));
      }
    }));
}

/** A subscriber that comes back by itself; `runs` holds, for each time that it was subscribed, what came. */
class Listener {
  runs = [];

  static async open(place, channel, sent) {
    const listener = new Listener();
    listener.place = place;
    listener.driver = await library('ioredis 5').open(place);
    const begin = () => listener.runs.push({ got: [], at: performance.now() });
    const confirm = () => { Object.assign(listener.runs.at(-1), { confirmed: performance.now(), mark: sent() }); };
    begin();
    listener.driver.client.on('message', (_, text) => listener.runs.at(-1).got.push(Number(text)));
    listener.driver.client.on('connect', begin);
    listener.driver.client.on('ready', () => { listener.driver.ping().then(confirm, () => {}); });
    await listener.driver.subscribe('', channel);
    confirm();
    return listener;
  }
}

test('what a living node publishes while others are killed arrives once and in order, and all of it after a re-subscription', () =>
  withRedisMesh(NODES, async (places) => {
    const publisher = await library('ioredis 5').open(places[0]);
    let sent = 0;
    const answers = [];
    const listeners = [];
    for (const place of places) listeners.push(await Listener.open(place, 'numbers', () => sent));
    const timer = setInterval(() => {
      for (let i = 0; i < 10; ++i) answers.push(publisher.call('PUBLISH', 'numbers', ++sent));
    }, 5);
    try {
      await waitFor('the first numbers', () => listeners.every(({ runs }) => runs[0].got.length > 500));
      for (let i = 0; i < KILLS; ++i) {
        const victim = listeners[1 + (i % 2)];
        const killed = performance.now();
        victim.place.node.program.kill('SIGKILL');
        await victim.place.node.gone();
        await elapsed('the node to have been away', killed + DOWN_MS[i % DOWN_MS.length]);
        await victim.place.restart();
        await victim.place.node.ready();
        await waitFor('the subscriber to be subscribed again', () => victim.runs.at(-1).confirmed > killed, { ms: MS });
        await elapsed('the next kill', killed + KILL_EVERY_MS / 2);
      }
    } finally {
      clearInterval(timer);
    }
    await Promise.all(answers);
    await waitFor('the last number', () => listeners.every(({ runs }) => runs.at(-1).got.at(-1) === sent));
    listeners.forEach(({ runs }, i) => {
      console.log(`# n${i + 1}: ${runs.map(({ got, mark }) => `${got[0]}–${got.at(-1)} (subscribed at ${mark})`).join(', ')} of ${sent}`);
    });
    assert.equal(listeners[0].runs.length, 1, 'the subscriber of a node that was not killed was disconnected');
    for (const { runs } of listeners) {
      for (const { got, mark } of runs) {
        assert.deepEqual(got, Array.from(got, (_, i) => got[0] + i), 'in order, once, and none left out');
        if (mark !== undefined && got.length > 0) assert.ok(got[0] <= mark + 1, `${got[0]} is the first after ${mark}`);
      }
      runs.slice(1).forEach(({ got }, i) => assert.ok(!got.length || !runs[i].got.length || got[0] > runs[i].got.at(-1), 'no number twice'));
    }
    for (const listener of listeners) listener.driver.drop();
    publisher.drop();
  }));
