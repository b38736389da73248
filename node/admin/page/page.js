// The page of the admin listener: login, what is asked each second, and the view of the mesh.
import { ask, count, fill, hasToken, makeViews, number, query, say, setToken } from './tables.js';

const EVERY_MS = 1000;      // between two questions about all nodes
const WAIT_MS = 800;        // for the answers of other nodes
const POLL_MS = 3000;       // for the answer of this node to a question that is asked again and again
const REMEMBER_MS = 300_000; // how long the page remembers what nodes have counted
const RECENT_MS = 60_000;   // "just now"
const SETTLE_S = 10;        // a node that has just started may not have met all others
const SILENT_MS = 2500;     // as tulle doctor has it: an idle node sends each second
const EVENTS = 100;

const byId = (id) => document.getElementById(id);
const byName = (a, b) => a.localeCompare(b, 'en', { numeric: true });
const samples = new Map();  // by oid: [{ at, clock, sent, received, … }], the oldest first, and one from before the time that is remembered
const rates = [];           // [{ at, sent }] of the whole mesh
const opened = performance.now();
const keyOf = ({ node, seq, at_ms: at }) => `${node} ${seq} ${at}`;
let known = new Map();      // events, by keyOf()
let mayOrder = false;
let hasScope = false;       // mayOrder is known
let isStopped = false;      // nothing is asked until a token has been given

/** The nodes in an answer of /v1/doctor: the reports of each node joined, and the members that have given none. */
function nodesOf(doctor) {
  const reports = new Map();
  for (const part of doctor.reports) {
    const report = reports.get(part.self.oid) ?? { ...part, counters: null, members: [] };
    report.counters ??= part.counters ?? null;
    report.not_ready ??= part.not_ready;
    report.members.push(...part.members);
    reports.set(part.self.oid, report);
  }
  const nodes = new Map([...reports].map(([oid, report]) => [oid, { name: report.self.name, oid, report, member: report.self, states: new Set() }]));
  for (const { members } of reports.values()) {
    for (const member of members) {
      if (!nodes.has(member.oid)) nodes.set(member.oid, { name: member.name, oid: member.oid, report: null, member, states: new Set() });
      nodes.get(member.oid).states.add(member.state);
    }
  }
  return [...nodes.values()].sort((a, b) => byName(a.name, b.name) || (a.oid < b.oid ? -1 : 1));
}

/** The pairs of nodes with a report of which the first does not hear the second: [{ from, to, isNew }]. */
function deafPairs(nodes) {
  const there = nodes.filter(({ report }) => report);
  const isNew = ({ report }) => report.self.uptime_s < SETTLE_S;
  return there.flatMap((from) => there.filter((to) => to !== from && from.report.members.find(({ oid }) => oid === to.oid)?.state !== 'alive')
    .map((to) => ({ from: from.name, to: to.name, isNew: isNew(from) || isNew(to) })));
}

/** How a node is: in words, and good, wait or bad. */
function wellness({ report, states }) {
  if (!report) {
    const worst = ['dead', 'left', 'suspect', 'partial'].find((state) => states.has(state)) ?? 'silent';
    return { text: worst === 'silent' ? 'gives no answer' : worst, kind: worst === 'left' ? 'wait' : 'bad', isThere: false };
  }
  const others = ['dead', 'suspect', 'partial'].find((state) => states.has(state));
  if (others) return { text: `${others} for others`, kind: 'bad', isThere: true };
  if (report.drain !== 'serving') return { text: report.drain, kind: 'wait', isThere: true };
  if (!report.ready || report.not_ready) return { text: report.not_ready ?? 'not ready', kind: 'wait', isThere: true };
  return { text: 'serving', kind: 'good', isThere: true };
}

/** What a node has counted, by its own clock. */
const counted = ({ self, counters: c }) => ({
  clock: self.monotonic_us / 1000,
  sent: c.messages_sent_total ?? 0,
  received: (c.messages_received_total ?? 0) + (c.http_publishes_total ?? 0),
  gone: c.mesh_records_gone ?? 0,
  told: c.gaps_told_total ?? 0,
  slow: c.slow_clients_total ?? 0,
  filled: c.mesh_gaps_repaired ?? 0,
});

function remember(nodes) {
  const at = performance.now();
  for (const { oid, report } of nodes) {
    if (!report?.counters) continue;
    if (!samples.has(oid)) samples.set(oid, []);
    samples.get(oid).push({ at, ...counted(report) });
  }
  for (const [oid, kept] of samples) {
    while (kept.length > 1 && at - kept[1].at > REMEMBER_MS) kept.shift();
    if (at - kept.at(-1).at > 2 * REMEMBER_MS) samples.delete(oid);
  }
  rates.push({ at, sent: rateOf(nodes, 'sent') });
  while (at - rates[0].at > REMEMBER_MS) rates.shift();
}

/** How much a node has counted within the last `ms`, or since the page knows the node. */
function grown(oid, what, ms) {
  const kept = samples.get(oid) ?? [];
  const now = performance.now();
  const before = kept.findLast(({ at }) => now - at > ms) ?? kept[0];
  return before ? kept.at(-1)[what] - before[what] : 0;
}

/** How much all nodes have counted, those among them that answer no longer. */
const grownEverywhere = (what, ms) => [...samples.keys()].reduce((sum, oid) => sum + grown(oid, what, ms), 0);

/** How much a node counts in a second of its own clock, by its last two answers. */
function rate(oid, what) {
  const [before, last] = (samples.get(oid) ?? []).slice(-2);
  return last && last.clock > before.clock && performance.now() - last.at < 5 * EVERY_MS ? (last[what] - before[what]) * 1000 / (last.clock - before.clock) : 0;
}

/** The same of all nodes that answer. */
const rateOf = (nodes, what) => nodes.reduce((sum, { oid, report }) => sum + (report ? rate(oid, what) : 0), 0);

function verdict(id, kind, text, detail) {
  const section = document.querySelector(`[data-testid=${id}-answer]`);
  section.className = kind;
  say(section.querySelector('.verdict'), text);
  say(section.querySelector('.detail'), detail);
}

function showNodesAnswer(nodes) {
  const states = nodes.map((node) => ({ node, ...wellness(node) }));
  const there = states.filter(({ isThere }) => isThere);
  const ill = states.filter(({ kind }) => kind !== 'good').map(({ node, text }) => `${node.name}: ${text}`);
  const pairs = deafPairs(nodes);
  const deaf = pairs.map(({ from, to }) => `${from} does not hear ${to}`);
  const unmet = there.filter(({ node }) => node.report.self.peers.met < node.report.self.peers.configured)
    .map(({ node }) => `${node.name} has not met ${count(node.report.self.peers.configured - node.report.self.peers.met, 'configured peer')}`);
  const isBad = states.some(({ kind }) => kind === 'bad') || pairs.some(({ isNew }) => !isNew);
  const kind = isBad ? 'bad' : ill.length + deaf.length + unmet.length > 0 ? 'wait' : 'good';
  verdict('nodes', kind, `${there.length} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`,
    [...ill, ...deaf, ...unmet].join('; ') || 'all serve, and all hear each other');
}

function showLoss(nodes) {
  const lost = grownEverywhere('gone', REMEMBER_MS) + grownEverywhere('told', REMEMBER_MS);
  const filled = grownEverywhere('filled', REMEMBER_MS);
  const ever = nodes.reduce((sum, { report }) => sum + (report?.counters ? counted(report).told : 0), 0);
  const time = performance.now() - opened > REMEMBER_MS ? 'in the last five minutes' : 'since this page was opened';
  const since = `clients were told of ${count(ever, 'gap')} since the start of the nodes`;
  if (lost > 0) verdict('loss', 'bad', 'Messages were lost', `${time}; ${since}`);
  else verdict('loss', filled > 0 ? 'wait' : 'good', 'Nothing', filled > 0 ? `${count(filled, 'hole was', 'holes were')} filled ${time}; ${since}` : `${time}; ${since}`);
}

function showSlow(nodes) {
  const slow = nodes.filter(({ oid }) => grown(oid, 'slow', RECENT_MS) > 0)
    .map(({ name, oid }) => `${name} has closed ${count(grown(oid, 'slow', RECENT_MS), 'slow client')}`);
  const silent = [];
  for (const { name, report } of nodes) {
    for (const member of report?.members ?? []) {
      if (member.session?.data_silent_ms > SILENT_MS && member.state !== 'left') silent.push(`${member.name} is silent for ${name}`);
      if (member.session?.heard_via) silent.push(`${name} hears ${member.name} only by ${member.session.heard_via}`);
    }
  }
  const kind = silent.length ? 'bad' : slow.length ? 'wait' : 'good';
  verdict('slow', kind, kind === 'good' ? 'Nobody' : silent.length ? 'Nodes' : 'Clients', [...silent, ...slow].join('; ') || 'no client was closed in the last minute');
}

function showRate(nodes) {
  verdict('rate', 'good', `${number(Math.round(rateOf(nodes, 'sent')))} a second`, `to clients, of ${number(Math.round(rateOf(nodes, 'received')))} that come in; ` +
    count(nodes.reduce((sum, { report }) => sum + (report?.self.clients ?? 0), 0), 'client'));
  const most = Math.max(1, ...rates.map(({ sent }) => sent));
  const now = performance.now();
  document.querySelector('#rates polyline').setAttribute('points',
    rates.map(({ at, sent }) => `${(300 * (1 - (now - at) / REMEMBER_MS)).toFixed(1)},${(38 - 36 * sent / most).toFixed(1)}`).join(' '));
}

let isOrdering = false;
/** Gives an order, one at a time, once the question has been confirmed. */
async function order(question, path, words) {
  const told = byId('told');
  told.className = '';
  if (isOrdering) {
    told.textContent = 'The order before is still under way.';
    return;
  }
  if (!window.confirm(question)) return;
  isOrdering = true;
  try {
    const answer = await ask(path, 'POST');
    told.textContent = words(answer) + (answer?.missing?.length ? `; no answer from ${answer.missing.join(', ')}` : '');
  } catch (refusal) {
    told.textContent = refusal.message;
    told.className = 'bad';
  } finally {
    isOrdering = false;
  }
}

const why = () => (mayOrder ? '' : 'needs a token with the scope operate');
const drains = (name, word) => ({ label: word, name: `${word} ${name}`, isOff: !mayOrder, why: why(), act: () => order(
  word === 'Drain' ? `Move all clients of ${name} to other nodes?` : `Let ${name} take clients again?`,
  `v1/${word.toLowerCase()}?${query({ node: name })}`, () => `${name}: ${word.toLowerCase()} begun`) });

const NODES = [
  { head: 'Node', of: ({ name }) => name },
  { head: 'State', of: (node) => wellness(node) },
  { head: 'Clients', of: ({ member }) => number(member.clients), isNumber: true },
  { head: 'Channels', of: ({ member }) => number(member.channels), isNumber: true },
  { head: 'In a second', of: ({ oid, report }) => (report ? number(Math.round(rate(oid, 'received'))) : ''), isNumber: true },
  { head: 'To clients a second', of: ({ oid, report }) => (report ? number(Math.round(rate(oid, 'sent'))) : ''), isNumber: true },
  { head: 'Version', of: ({ member }) => member.version },
  { head: 'Up', of: ({ member }) => uptime(member.uptime_s), isNumber: true },
  { head: 'Mesh key', of: ({ report }) => report?.self.keys.bound ?? '' },
  { head: 'Clients come to', of: ({ member }) => member.endpoints.listen },
  { head: 'Order', of: ({ name, report }) => ({ buttons: !report ? [] : [drains(name, report.drain === 'serving' ? 'Drain' : 'Undrain')] }) },
];

function uptime(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min` : `${seconds} s`;
}

/** What one node sees of another one. */
function seen(report, oid) {
  if (report.self.oid === oid) return '–';
  const member = report.members.find((each) => each.oid === oid);
  if (!member) return { text: 'unknown', kind: 'wait' };
  if (member.state !== 'alive') return { text: member.state, kind: ['left', 'joining'].includes(member.state) ? 'wait' : 'bad' };
  const isRelayed = Boolean(member.session?.heard_via ?? member.session?.hears_via);
  const marks = [isRelayed && 'relayed', member.gaps > member.repaired && count(member.gaps - member.repaired, 'hole open', 'holes open'),
    member.repaired && `${number(member.repaired)} filled`].filter(Boolean);
  const text = `${(member.rtt_us / 1000).toFixed(2)} ms`;
  return { text: marks.length ? `${text} (${marks.join(', ')})` : text, kind: isRelayed || member.gaps > member.repaired ? 'wait' : 'good',
    title: `${report.self.name} and ${member.name}: protocol ${member.session?.protocol ?? '?'}, ${count(member.sessions, 'session')} so far` };
}

function showMatrix(nodes) {
  const columns = [{ head: 'View of', of: ({ name }) => name },
    ...nodes.map(({ name, oid }) => ({ head: name, of: ({ report }) => (report ? seen(report, oid) : { text: 'no answer', kind: 'bad' }), isNumber: true }))];
  fill(byId('matrix'), columns, nodes, ({ oid }) => oid);
}

const TIME = { month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 };
const BAD = new Set(['dead', 'gap', 'shed', 'refusal']);
const WAIT = new Set(['suspect', 'partial', 'unmet', 'repair', 'slow-client', 'limit', 'path', 'self']);
const EVENT = [
  { head: 'Time', of: ({ at_ms: at }) => new Date(at).toLocaleString('en-GB', TIME) },
  { head: 'Node', of: ({ node }) => node },
  { head: 'Kind', of: ({ kind }) => ({ text: kind, kind: BAD.has(kind) ? 'bad' : WAIT.has(kind) ? 'wait' : '' }) },
  { head: 'What', of: ({ text }) => ({ text, kind: 'text' }) },
];

/** Shows the latest events. What a node has told before it died stays. */
function showEvents(latest) {
  for (const event of latest) known.set(keyOf(event), event);
  const shown = [...known.values()].sort((a, b) => b.at_ms - a.at_ms || b.seq - a.seq).slice(0, EVENTS);
  known = new Map(shown.map((event) => [keyOf(event), event]));
  fill(byId('events'), EVENT, shown, keyOf);
}

async function showMesh() {
  const [doctor, events] = await Promise.allSettled([ask(`v1/doctor?${query({ brief: 'yes', timeout_ms: WAIT_MS })}`, 'GET', POLL_MS),
    ask(`v1/events?${query({ all: 'yes', limit: EVENTS, timeout_ms: WAIT_MS })}`, 'GET', POLL_MS)]);
  if (doctor.status === 'rejected') throw doctor.reason;
  const nodes = nodesOf(doctor.value);
  remember(nodes);
  showNodesAnswer(nodes);
  showLoss(nodes);
  showSlow(nodes);
  showRate(nodes);
  fill(byId('nodes'), NODES, nodes, ({ oid }) => oid);
  showMatrix(nodes);
  say(byId('events-problem'), events.status === 'rejected' ? events.reason.message : '');
  if (events.status === 'fulfilled') {
    showEvents(events.value.events);
  }
}

/** Whether the token, or the node without tokens, lets this page give orders. */
async function learnScope() {
  mayOrder = await ask('v1/drain', 'OPTIONS', POLL_MS).then(() => true, (refusal) => {
    if (refusal.status !== 403) throw refusal;
    return false;
  });
  for (const button of document.querySelectorAll('[data-order]')) {
    button.disabled = !mayOrder;
    button.title = why();
  }
  const { self } = await ask('v1/status', 'GET', POLL_MS);
  byId('asked').textContent = `at ${self.name}`;
  document.title = `${self.name} – Tulle`;
}

function askForToken(text) {
  isStopped = true;
  setToken('');
  byId('login').hidden = false;
  say(byId('problem'), text);
  byId('token').focus();
}

async function turn() {
  const begun = performance.now();
  if (!document.hidden && !isStopped) {
    try {
      if (!hasScope) {
        await learnScope();
        hasScope = true;
        showView();
      }
      await (byId('mesh').hidden ? ask('v1/status', 'GET', POLL_MS) : showMesh());
      say(byId('problem'), '');
      document.body.classList.remove('stale');
    } catch (refusal) {
      // 429: too many wrong tokens; a right one is taken all the same.
      if (refusal.status === 401 || refusal.status === 429) {
        askForToken(hasToken() ? refusal.message : '');
      } else {
        say(byId('problem'), refusal.message);
        document.body.classList.add('stale');
      }
    }
  }
  setTimeout(turn, Math.max(50, EVERY_MS - (performance.now() - begun)));
}

const views = makeViews(() => mayOrder);
function showView() {
  views[document.querySelector('main:not([hidden])').id]?.();
}
function choose() {
  const chosen = document.querySelector(`main[id="${CSS.escape(location.hash.slice(1))}"]`) ?? byId('mesh');
  for (const main of document.querySelectorAll('main')) main.hidden = main !== chosen;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${chosen.id}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (hasScope && !isStopped) showView();
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  const given = byId('token').value.trim();
  byId('token').value = '';
  if (!/^[\x21-\x7e]+$/.test(given)) {
    say(byId('problem'), 'A token has letters, digits and the characters - . _ ~ + / = alone.');
    return;
  }
  setToken(given);
  byId('login').hidden = true;
  [isStopped, hasScope] = [false, false];
  document.querySelector('main:not([hidden])').focus();
});
byId('rebalance').addEventListener('submit', (event) => {
  event.preventDefault();
  order('Close the clients that nodes have beyond a tenth above the mean, so that they connect elsewhere?', `v1/rebalance?${query({ max: byId('rate').value })}`,
    ({ nodes }) => nodes.sort((a, b) => byName(a.name, b.name)).map(({ name, moves }) => `${name} moves ${number(moves)}`).join(', '));
});
addEventListener('hashchange', () => {
  choose();
  document.querySelector('main:not([hidden])').focus();
});
choose();
turn();
