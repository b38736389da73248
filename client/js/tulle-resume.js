// Nothing missed on channels with history: pusher-js tells Tulle what it has got, and Tulle sends the rest.
// resume(pusher) or resume(echo.connector.pusher), before the first subscription. Channels get `tulle:recovered`
// ({ replayed }) or `tulle:unrecovered` ({ reason }: load the state afresh). With { storage: sessionStorage } a page
// goes on after a reload; { rewind: 20 } or { rewind: '30s' } gives a newcomer the last events.
const KEY = 'tulle-resume';

export function resume(pusher, { storage, rewind } = {}) {
  // By channel, and by the node in the second half of an id: the latest id, as text.
  const seen = JSON.parse((storage && storage.getItem(KEY)) || '{}');
  let socket = seen[''];
  const note = (places, id) => {
    const node = id.slice(16);
    if (!(places[node] >= id)) places[node] = id;
  };
  const send = pusher.send_event;
  pusher.send_event = (event, data, channel) => {
    const places = event === 'pusher:subscribe' && seen[data.channel];
    if (event === 'pusher:unsubscribe') delete seen[data.channel];
    if (event === 'pusher:subscribe') {
      data = { ...data, tulle: places ? { since: Object.values(places).join('~'), socket } : { rewind } };
    }
    return send.call(pusher, event, data, channel);
  };
  const take = ({ data: text }) => {
    if (typeof text !== 'string' || !/"id":"|tulle/.test(text)) return;
    const { event, channel, id, data } = JSON.parse(text);
    if (event === 'pusher_internal:subscription_succeeded') {
      const { at, recovered, replayed, reason } = JSON.parse(data).tulle || {};
      if (at) at.split('~').forEach(note.bind(null, (seen[channel] = {})));
      else delete seen[channel];
      if (recovered !== undefined) {
        pusher.channel(channel).emit(recovered ? 'tulle:recovered' : 'tulle:unrecovered', { replayed, reason });
      }
    } else if (id && seen[channel]) note(seen[channel], id);
  };
  pusher.connection.bind('connected', () => {
    seen[''] = socket = pusher.connection.socket_id;
    // Behind pusher-js's own listener: an event counts once its handlers have run.
    pusher.connection.connection.transport.bind('message', take);
  });
  if (storage) addEventListener('pagehide', () => storage.setItem(KEY, JSON.stringify(seen)));
}
