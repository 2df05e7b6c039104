// Records as they come.
import { ask, field, h, notice, parameters, time } from './dom.js';
import { shown } from './streams.js';

export async function tail(root, rest, page) {
  const { streams } = await ask('/v1/streams').catch(() => ({ streams: [] }));
  const names = streams.map(stream => stream.name).filter(name => !name.startsWith('__'));
  const stream = names.length ? h('select', {}, names.map(name => h('option', {}, name))) : h('input', { value: 'mqtt' });
  const filter = h('input', { placeholder: 'sensors/+/dev42/#' });
  const key = h('input', {});
  const rows = h('tbody', {});
  const state = h('p', { className: 'soft', role: 'status' }, 'stopped');
  const button = h('button', { className: 'primary' }, 'Follow');
  let [source, seen] = [null, 0];
  const stop = () => { source?.close(); source = null; button.textContent = 'Follow'; state.textContent = `stopped after ${seen} records`; };
  const start = () => {
    seen = 0;
    rows.replaceChildren();
    source = new EventSource(`/v1/streams/${encodeURIComponent(stream.value)}/tail?${parameters({ filter: filter.value, key: key.value, from: 'latest' })}`);
    button.textContent = 'Stop';
    source.onopen = () => { state.textContent = 'following'; };
    source.onerror = () => { state.textContent = source?.readyState === EventSource.CLOSED ? 'refused: look at the filter and at your rights' : 'the connection is lost, and made again'; };
    source.onmessage = event => {
      const record = JSON.parse(event.data);
      seen += 1;
      rows.prepend(h('tr', {}, h('td', {}, time(record.timestamp / 1000)), h('td', {}, `${record.partition}:${record.offset}`), h('td', {}, record.key ?? '–'), h('td', {}, record.topic ?? '–'), h('td', { className: 'long' }, shown(record, 'text'))));
      while (rows.children.length > 500) rows.lastChild.remove();
      state.textContent = `following, ${seen} records`;
    };
  };
  page.onEnd(stop);
  root.append(
    h('form', { onsubmit: event => { event.preventDefault(); notice(''); if (source) stop(); else start(); } }, field('Stream', stream), field('Filter', filter), field('Key', key), button),
    state,
    h('div', { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: 'Records as they come' },
      h('table', {}, h('caption', {}, 'The latest first'), h('thead', {}, h('tr', {}, ['Time', 'Place', 'Key', 'Topic', 'Payload'].map(name => h('th', { scope: 'col' }, name)))), rows)));
}
