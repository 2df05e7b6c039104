// Devices: all of them, or one with its history.
import { ago, ask, clear, count, field, h, notice, records, span, table, time } from './dom.js';
import { numbers, plot, spark } from './plot.js';

export async function devices(root, [key], page) {
  return key ? one(root, key, page) : all(root, page);
}

async function all(root, page) {
  const search = h('input', { type: 'search', placeholder: 'part of a key' });
  const profile = h('input', { placeholder: 'any' });
  const silent = h('input', { type: 'checkbox' });
  const list = h('div', {});
  const more = h('button', { type: 'button', hidden: true }, 'More');
  let [found, next] = [[], null];
  const load = async start => {
    const query = [`limit=500`, `start=${start}`];
    if (profile.value) query.push(`profile=${encodeURIComponent(profile.value)}`);
    if (silent.checked) query.push('silent=true');
    const answer = await ask(`/v1/devices?${query.join('&')}`);
    found = start ? found.concat(answer.devices) : answer.devices;
    next = answer.next;
    more.hidden = next === null;
    draw(answer.known);
  };
  const draw = known => {
    const shown = found.filter(device => device.device.includes(search.value)).slice(0, 200);
    const cells = new Map();
    const rows = shown.map(device => {
      const cell = h('span', {});
      cells.set(cell, device);
      const reading = (device.reading ?? []).map(value => `${value.name} ${value.value}${value.unit ? ` ${value.unit}` : ''}`);
      return [
        h('a', { href: `#/devices/${encodeURIComponent(device.device)}` }, device.device), device.profile,
        h('span', { className: device.silent ? 'warn' : 'good' }, device.silent ? 'silent' : 'reports'),
        ago(device.last_ms), reading.join(', '), cell,
      ];
    });
    clear(list);
    list.append(table(`${shown.length} of ${known ?? found.length} devices`, ['Device', 'Profile', 'State', 'Last seen', 'Last reading', 'Last hour'], rows));
    sparks(cells, page);
  };
  for (const input of [profile, silent]) input.addEventListener('change', () => load(0).catch(error => notice(error.message, 'bad')));
  search.addEventListener('input', () => draw());
  more.addEventListener('click', () => load(next).catch(error => notice(error.message, 'bad')));
  root.append(
    h('form', { role: 'search', onsubmit: event => event.preventDefault() }, field('Search', search), field('Profile', profile), h('label', { className: 'row' }, silent, 'silent only')),
    list, h('p', {}, more));
  await load(0);
}

/** Small curves, for rows as they come into sight, a few at a time. */
function sparks(cells, page) {
  const waiting = [];
  let busy = 0;
  const go = async () => {
    if (busy >= 3 || page.isOver) return;
    const cell = waiting.shift();
    if (!cell) return;
    busy += 1;
    const device = cells.get(cell);
    try {
      const points = await history(device, { from: '-1h', limit: 300 });
      const name = Object.keys(points)[0];
      if (name !== undefined) cell.append(spark(points[name], `${name || 'value'} of ${device.device} in the last hour`));
    } catch { /* A curve that cannot be had is left out; the page says more. */ }
    busy -= 1;
    go();
  };
  const watcher = new IntersectionObserver(entries => {
    for (const entry of entries.filter(entry => entry.isIntersecting)) {
      watcher.unobserve(entry.target);
      waiting.push(entry.target);
      go();
    }
  });
  page.onEnd(() => watcher.disconnect());
  for (const cell of cells.keys()) watcher.observe(cell);
}

/** A device's numbers over time, by their names. */
async function history(device, query) {
  const points = {};
  for (const record of await records(device.stream, { key: device.device, ...query })) {
    for (const [name, value] of Object.entries(numbers(record.payload))) {
      const label = name || record.topic?.split('/').pop() || 'value';
      (points[label] ??= []).push([record.timestamp / 1000, value]);
    }
  }
  for (const list of Object.values(points)) list.sort((a, b) => a[0] - b[0]);
  return points;
}

async function one(root, key, page) {
  const device = await ask(`/v1/devices/${encodeURIComponent(key)}`);
  const name = h('select', {});
  const range = h('select', {}, [['15 minutes', '-15m'], ['1 hour', '-1h'], ['24 hours', '-24h'], ['7 days', '-7d'], ['everything', 'earliest']].map(([text, value]) => h('option', { value }, text)));
  const from = h('input', { type: 'datetime-local', step: 1 });
  const to = h('input', { type: 'datetime-local', step: 1 });
  const picture = h('div', {});
  let points = {};
  const draw = () => picture.replaceChildren(plot(points[name.value] ?? [], `${name.value} of ${key}`));
  const load = async () => {
    points = await history(device, {
      from: from.value ? new Date(from.value).toISOString() : range.value,
      to: to.value ? new Date(to.value).toISOString() : '', limit: 20000,
    });
    const chosen = name.value;
    name.replaceChildren(...Object.keys(points).map(option => h('option', {}, option)));
    if (chosen in points) name.value = chosen;
    draw();
  };
  name.addEventListener('change', draw);
  for (const input of [range, from, to]) input.addEventListener('change', () => load().catch(error => notice(error.message, 'bad')));
  const fact = (title, value) => [h('dt', {}, title), h('dd', {}, value)];
  const facts = Object.entries(device).filter(([, value]) => typeof value === 'number');
  const words = title => title.replace(/_ms$/, '').replaceAll('_', ' ');
  root.append(
    h('p', {}, h('a', { href: '#/devices' }, 'All devices')), h('h3', {}, key),
    h('div', { className: 'cards' }, [
      ['State', h('span', { className: device.silent ? 'warn' : 'good' }, device.silent ? 'silent' : 'reports'), ago(device.last_ms)],
      ...(device.reading ?? []).map(value => [value.name, `${value.value}${value.unit ? ` ${value.unit}` : ''}`, 'last reading']),
    ].map(([name, value, more]) => h('div', { className: 'card' }, h('div', { className: 'name' }, name), h('div', { className: 'value' }, value), h('div', { className: 'more' }, more)))),
    h('h3', {}, 'History'),
    h('form', { onsubmit: event => event.preventDefault() }, field('Field', name), field('Time', range), field('From', from), field('To', to)), picture,
    h('h3', {}, 'What is known'),
    h('dl', { className: 'wide' },
      fact('profile', device.profile), fact('stream', device.stream), fact('last seen', time(device.last_ms)), fact('first seen', time(device.first_ms)),
      facts.filter(([title]) => !title.endsWith('_ms')).map(([title, value]) => fact(words(title), count(value))),
      facts.filter(([title]) => title.endsWith('_ms') && !['first_ms', 'last_ms'].includes(title)).map(([title, value]) => fact(words(title), value > 1e11 ? time(value) : span(value)))));
  await load();
  page.every(5000, async () => { if (!to.value) await load(); });
}
