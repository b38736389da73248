// Questions to the node, tables, and the three views that are a form and a table.

const TOKEN = 'tulle-admin-token';
let token = sessionStorage.getItem(TOKEN) ?? '';

/** An empty text: none. */
export function setToken(text) {
  token = text;
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}
export const hasToken = () => token !== '';

/** An answer of the node that is no success. `status`: of HTTP, 0 when the node does not answer. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Asks the node, for `ms` at most. Resolves with the JSON of the answer, null for an answer without a body; throws a Refusal. */
export async function ask(path, method = 'GET', ms = 12_000) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(method === 'POST' && { 'content-type': 'application/json' }) };
  const answer = await fetch(path, { method, headers, cache: 'no-store', signal: AbortSignal.timeout(ms) })
    .catch(() => { throw new Refusal(0, 'This node does not answer.'); });
  const text = await answer.text().catch(() => { throw new Refusal(0, 'This node does not answer.'); });
  let value = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    value = { error: text.trim() };
  }
  if (!answer.ok) throw new Refusal(answer.status, value?.error ?? `HTTP status ${answer.status}`);
  return value;
}

export const query = (parameters) => new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''));
export const number = (value) => Number(value).toLocaleString('en');
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Puts a text in its place, unless the text is there already: a screen reader would read it again. */
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** A cell that has one text, or buttons. `cell`: a text, or { text, kind, title }, or { buttons: [{ label, name, act, isOff, why }] }, where `name` is unique in the page. */
function show(place, cell, isNumber) {
  const { text = '', kind = '', title = '', buttons = null } = typeof cell === 'object' ? cell : { text: String(cell) };
  const name = [kind, isNumber ? 'number' : '', kind === 'text' ? 'text' : ''].filter(Boolean).join(' ');
  if (place.className !== name) place.className = name;
  if (place.title !== title) place.title = title;
  if (!buttons) {
    say(place, text);
    return;
  }
  while (place.childElementCount > buttons.length) place.lastChild.remove();
  buttons.forEach(({ label, name: spoken, act, isOff = false, why = '' }, i) => {
    const button = place.children[i] ?? place.appendChild(element('button', { type: 'button' }));
    say(button, label);
    button.setAttribute('aria-label', spoken);
    button.disabled = isOff;
    button.title = why;
    button.onclick = act;
  });
}

/**
 * Shows rows in a table. `columns`: [{ head, of: (row) => cell, isNumber }]. Rows with the same `key` keep their elements, and so the
 * keyboard keeps its place when the numbers change.
 */
export function fill(table, columns, rows, key) {
  const heads = columns.map(({ head }) => head).join('\n');
  if (table.dataset.heads !== heads) {
    table.dataset.heads = heads;
    const line = element('tr', {}, ...columns.map(({ head, isNumber }) => element('th', { scope: 'col', class: isNumber ? 'number' : '' }, head)));
    table.replaceChildren(element('thead', {}, line), element('tbody', {}));
  }
  const body = table.tBodies[0];
  // Two rows of one key, from two nodes of one name, are two rows.
  const seen = new Map();
  const keys = rows.map((row) => {
    const id = String(key(row));
    seen.set(id, (seen.get(id) ?? 0) + 1);
    return `${id} ${seen.get(id)}`;
  });
  const wanted = new Set(keys);
  // Rows that go are removed first: a row that is moved loses the focus.
  for (const line of [...body.rows]) if (!wanted.has(line.dataset.key)) line.remove();
  const known = new Map([...body.rows].map((line) => [line.dataset.key, line]));
  rows.forEach((row, i) => {
    const line = known.get(keys[i]) ?? element('tr', { 'data-key': keys[i] }, ...columns.map((_, j) => element(j === 0 ? 'th' : 'td', j === 0 ? { scope: 'row' } : {})));
    if (body.rows[i] !== line) body.insertBefore(line, body.rows[i] ?? null);
    columns.forEach(({ of, isNumber }, j) => show(line.cells[j], of(row), isNumber));
  });
}

const values = (form) => Object.fromEntries(new FormData(form));
const missing = (answer) => (answer.missing.length ? `no answer from ${answer.missing.join(', ')}` : '');

/**
 * Makes a view of a form and its table. `answer` asks with the values of the form, fills the table unless a later question has been asked
 * meanwhile, and resolves with the words for the output.
 */
function view(id, answer) {
  const form = document.querySelector(`#${id} form`);
  const output = form.querySelector('output');
  let last = 0;
  const run = async () => {
    const mine = ++last;
    output.textContent = '…';
    output.className = '';
    try {
      const words = await answer(values(form), () => mine === last);
      if (mine === last) output.textContent = words;
    } catch (refusal) {
      if (mine !== last) return;
      output.textContent = refusal.message;
      output.className = 'bad';
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  return run;
}

async function showPresence({ app, name }) {
  const place = document.querySelector('#channels [data-testid=presence]');
  place.hidden = false;
  place.querySelector('h2').textContent = name;
  const answer = await ask(`v1/presence?${query({ app, channel: name, limit: 200 })}`).catch((refusal) => refusal);
  if (answer instanceof Refusal) {
    place.querySelector('p').textContent = answer.message;
    return;
  }
  place.querySelector('h2').textContent = `${name}: ${count(answer.total, 'user')}`;
  place.querySelector('p').textContent = answer.users.map(({ id, nodes }) => `${id} (${nodes.join(', ')})`).join(', ') + (answer.more ? ' …' : '');
}

const CHANNELS = [
  { head: 'Channel', of: ({ name }) => name },
  { head: 'App', of: ({ app }) => app },
  { head: 'Subscribers', of: ({ subscribers }) => number(subscribers), isNumber: true },
  { head: 'Users', of: ({ users }) => (users === undefined ? '' : number(users)), isNumber: true },
  { head: 'Order', of: (row) => ({ buttons: row.name.startsWith('presence-') ? [{ label: 'Who?', name: `Who is on ${row.name}?`, act: () => showPresence(row) }] : [] }) },
];

async function showChannels(given, isLast) {
  const answer = await ask(`v1/channels?${query({ ...given, limit: 100 })}`);
  if (isLast()) fill(document.querySelector('#channels table'), CHANNELS, answer.channels, ({ app, name }) => `${app} ${name}`);
  return [`${count(answer.channels.length, 'channel')}${answer.more ? ', and there are more' : ''}`,
    answer.exact ? '' : 'the numbers are lower bounds', missing(answer)].filter(Boolean).join('; ');
}

const connections = (mayOrder) => [
  { head: 'Node', of: ({ node }) => node },
  { head: 'Connection', of: ({ id }) => id },
  { head: 'App', of: ({ app }) => app },
  { head: 'User', of: ({ user }) => user ?? '' },
  { head: 'Address', of: ({ address }) => address },
  { head: 'Age', of: ({ age_ms: age }) => `${number(Math.round(age / 1000))} s`, isNumber: true },
  { head: 'Subscriptions', of: ({ subscriptions }) => number(subscriptions), isNumber: true },
  { head: 'Bytes waiting', of: ({ outbox }) => ({ text: number(outbox), kind: outbox > 65536 ? 'wait' : '' }), isNumber: true },
  { head: 'Received', of: ({ received }) => (received === undefined ? '' : number(received)), isNumber: true },
  { head: 'Order', of: ({ id, node }) => ({ buttons: [{ label: 'Close', name: `Close ${id} at ${node}`, isOff: !mayOrder(), why: mayOrder() ? '' : 'needs the scope operate',
    act: () => closeConnection(id, node) }] }) },
];

let runConnections = null;
async function closeConnection(id, node) {
  if (!window.confirm(`Close the connection ${id} at ${node}? The client may connect again.`)) return;
  const output = document.querySelector('#connections output');
  try {
    const answer = await ask(`v1/conns/kick?${query({ socket: id, node })}`, 'POST');
    await runConnections();
    output.textContent = `${count(answer.closed, 'connection')} closed`;
  } catch (refusal) {
    output.textContent = refusal.message;
  }
}

const FATES = { origin: ['sent here', ''], got: ['has come', 'good'], 'no-subscriber': ['nobody there listens', ''],
  'interest-unknown': ['does not yet know who listens there', 'wait'], 'no-session': ['no session', 'bad'], 'no-report': ['no answer', 'bad'] };
const TRACE = [
  { head: 'Node', of: ({ name }) => name },
  { head: 'The message', of: ({ fate }) => ({ text: FATES[fate]?.[0] ?? fate, kind: FATES[fate]?.[1] ?? '' }) },
  { head: 'Path', of: ({ path, via }) => (path ?? '') + (via ? ` by ${via}` : '') },
  { head: 'Shards', of: ({ shards }) => shards ?? '', isNumber: true },
  { head: 'Came after', of: ({ received_us: us, clock_error_us: error }) => (us === undefined ? '' : `${number(us)} µs ± ${number(error)}`), isNumber: true },
  { head: 'Reported after', of: ({ reported_us: us }) => (us === undefined ? '' : `${number(us)} µs`), isNumber: true },
];

async function showTrace(given, isLast) {
  const answer = await ask(`v1/trace?${query(given)}`, 'POST');
  if (isLast()) fill(document.querySelector('#trace table'), TRACE, answer.nodes, ({ oid }) => oid);
  return `message ${number(answer.n)} of this node`;
}

/** Makes the three views. `mayOrder`: whether the token may close connections. Returns what shows a view anew, by its id. */
export function makeViews(mayOrder) {
  const columns = connections(mayOrder);
  runConnections = view('connections', async (given, isLast) => {
    const answer = await ask(`v1/conns?${query({ ...given, limit: 100 })}`);
    if (isLast()) fill(document.querySelector('#connections table'), columns, answer.connections, ({ id, node }) => `${node} ${id}`);
    return [count(answer.total, 'connection'), answer.more ? `the first ${answer.connections.length} are shown` : '', missing(answer)]
      .filter(Boolean).join('; ');
  });
  const runChannels = view('channels', showChannels);
  view('trace', showTrace);
  return { channels: runChannels, connections: runConnections };
}
