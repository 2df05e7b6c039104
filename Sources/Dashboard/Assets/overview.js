// Rates, connections, disk, and what is wrong now; told by the broker once a second.
import { ask, bytes, clear, count, h, span } from './dom.js';
import { plot } from './plot.js';

export async function overview(root, rest, page) {
  const cards = h('div', { className: 'cards' });
  const problems = h('ul', { className: 'problems' });
  const curve = h('div', {});
  root.append(h('h3', {}, 'What is wrong now'), problems, h('h3', {}, 'Now'), cards, h('h3', {}, 'Messages a second'), curve);
  const { points } = await ask('/v1/traffic');
  const history = points.map(point => [point.time, point.messagesInPerSecond]);
  const show = state => {
    history.push([state.time, state.messagesInPerSecond]);
    while (state.time - history[0][0] > 3600000) history.shift();
    const card = (name, value, more) => h('div', { className: 'card' }, h('div', { className: 'name' }, name), h('div', { className: 'value' }, value), more && h('div', { className: 'more' }, more));
    cards.replaceChildren(
      card('Messages in', `${count(state.messagesInPerSecond)}/s`, `${count(state.messagesIn)} since the start`),
      card('Messages out', `${count(state.messagesOutPerSecond)}/s`, `${count(state.messagesOut)} since the start`),
      card('Clients', count(state.clients), `${count(state.sessionsWaiting)} sessions wait`),
      card('Devices', count(state.devices), state.devicesSilent ? `${count(state.devicesSilent)} silent` : 'all report'),
      card('Stored', bytes(state.storedBytes), `${count(state.storedRecords)} records, ${count(state.streams)} streams`),
      card('Refused', count(state.refused), `${count(state.dropped)} deliveries dropped`),
      card('Disk left', bytes(state.diskFreeBytes), `${bytes(state.bytesInPerSecond)}/s in, ${bytes(state.bytesOutPerSecond)}/s out`),
      card('Client memory', bytes(state.clientMemoryBytes), `${count(state.subscriptions)} subscriptions`),
      card('Uptime', span(state.uptimeSeconds * 1000), `version ${state.version}`));
    clear(problems);
    for (const problem of state.problems) {
      problems.append(h('li', { className: problem.severity }, h('a', { href: `#/${problem.page}` }, problem.words)));
    }
    if (!state.problems.length) problems.append(h('li', { className: 'none' }, 'Nothing. Every acknowledged message is on disk.'));
    curve.replaceChildren(plot(history, 'messages a second in the last hour', 0));
  };
  const source = new EventSource('/v1/events');
  page.onEnd(() => source.close());
  source.addEventListener('overview', event => show(JSON.parse(event.data)));
}
