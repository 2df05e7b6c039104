// Streams: all of them, or the records of one.
import { ask, bytes, clear, count, field, h, notice, parameters, span, table, time } from './dom.js';

export async function streams(root, [name], page) {
  return name ? browse(root, name, page) : all(root, page);
}

async function all(root, page) {
  const list = h('div', {});
  root.append(list);
  let former = null;
  const load = async () => {
    const now = Date.now();
    const { streams } = await ask('/v1/streams');
    const ends = new Map(streams.map(stream => [stream.name, stream.partitions.reduce((sum, part) => sum + part.appended, 0)]));
    clear(list);
    list.append(table('Streams', ['Stream', ['Partitions', 'number'], ['Records', 'number'], ['Records/s', 'number'], ['Bytes', 'number'], 'Kept', 'Durability', 'Cleanup'],
      streams.filter(stream => !stream.name.startsWith('__')).map(stream => {
        const sum = key => stream.partitions.reduce((total, part) => total + part[key], 0);
        const before = former?.ends.get(stream.name);
        const rate = before === undefined ? '–' : count((ends.get(stream.name) - before) / (now - former.now) * 1000);
        const kept = [stream.retention_ms === null ? null : span(stream.retention_ms), stream.retention_bytes === null ? null : bytes(stream.retention_bytes)].filter(Boolean);
        return [
          h('a', { href: `#/streams/${encodeURIComponent(stream.name)}` }, stream.name), count(stream.partitions.length),
          count(sum('durable') - sum('start')), rate, bytes(sum('bytes')), kept.join(', ') || 'for ever', stream.durability, stream.cleanup,
        ];
      })));
    former = { now, ends };
  };
  await load();
  page.every(2000, load);
}

/** A payload as a person wants to see it. */
export function shown(record, form) {
  if (record.payload === null) return '(deleted)';
  const raw = record.encoding === 'base64' ? Uint8Array.from(atob(record.payload), letter => letter.charCodeAt(0)) : new TextEncoder().encode(record.payload);
  if (form === 'hex') return [...raw].map(byte => byte.toString(16).padStart(2, '0')).join(' ').replace(/(.{48})/g, '$1\n');
  if (form === 'json' && record.encoding !== 'base64') {
    try { return JSON.stringify(JSON.parse(record.payload), null, 1); } catch { /* It is no JSON: as text. */ }
  }
  return record.encoding === 'base64' ? new TextDecoder().decode(raw) : record.payload;
}

async function browse(root, name) {
  const from = h('input', { value: 'earliest', placeholder: 'earliest, -1h, 2026-09-01, 0:1200' });
  const key = h('input', {});
  const filter = h('input', { placeholder: 'sensors/+/dev42/#' });
  const form = h('select', {}, ['json', 'text', 'hex'].map(value => h('option', { value }, value)));
  const limit = h('select', {}, [50, 200, 1000].map(value => h('option', { value }, String(value))));
  const list = h('div', {});
  const next = h('button', { type: 'button' }, 'Next');
  const back = h('button', { type: 'button', disabled: true }, 'Back');
  let [answer, trail] = [null, []];
  const draw = () => {
    clear(list);
    list.append(table(`Records of ${name}`, ['Time', 'Place', 'Key', 'Topic', ['Payload', 'long'], ['Headers', 'long']], answer.records.map(record => [
      time(record.timestamp / 1000), `${record.partition}:${record.offset}`, record.key ?? '–', record.topic ?? '–', shown(record, form.value),
      (record.headers ?? []).map(([title, value]) => `${title}=${value}`).join('\n'),
    ])));
    next.disabled = answer.isAtEnd;
    back.disabled = trail.length < 2;
  };
  const load = async position => {
    answer = await ask(`/v1/streams/${encodeURIComponent(name)}/records?${parameters({ from: position, key: key.value, filter: filter.value, limit: limit.value })}`);
    draw();
  };
  const begin = () => { trail = [from.value || 'earliest']; return load(trail[0]); };
  const guard = body => () => body().catch(error => notice(error.message, 'bad'));
  form.addEventListener('change', draw);
  next.addEventListener('click', guard(() => { trail.push(answer.next); return load(answer.next); }));
  back.addEventListener('click', guard(() => { trail.pop(); return load(trail[trail.length - 1]); }));
  root.append(
    h('p', {}, h('a', { href: '#/streams' }, 'All streams')),
    h('form', { onsubmit: event => { event.preventDefault(); notice(''); guard(begin)(); } },
      field('From', from), field('Key', key), field('Filter', filter), field('Payload as', form), field('At a time', limit), h('button', { className: 'primary' }, 'Read')),
    list, h('p', { className: 'bar' }, back, next));
  await begin();
}
