// Consumer groups and bridges: who reads, how far behind, and moving them.
import { ask, bytes, clear, count, field, h, notice, span, table } from './dom.js';
import { spark } from './plot.js';

export async function groups(root, rest, page) {
  const list = h('div', {});
  const bridges = h('div', {});
  const mover = h('div', {});
  let [past, asked] = [undefined, 0];
  const load = async () => {
    const { groups } = await ask('/v1/groups');
    const now = Date.now();
    // The broker has a point for every ten seconds.
    if (now - asked >= 10000) [past, asked] = [await ask('/v1/lag'), now];
    const curves = new Map(past.groups.map(group => [group.group, group.points]));
    const bridgeCurves = new Map(past.bridges.map(bridge => [bridge.bridge, bridge.points]));
    const records = points => (points ?? []).map(point => [point[0], point[1]]);
    clear(list);
    list.append(table('Groups', ['Group', 'Kind', ['Members', 'number'], 'Streams', ['Lag', 'number'], ['Oldest', 'number'], 'Lag in the last hour', 'Action'], groups.map(group => {
      const lag = group.offsets.reduce((sum, place) => sum + Math.max(0, place.end - Math.max(place.committed, place.start) - place.done_behind), 0);
      const points = curves.get(group.group);
      const streams = [...new Set(group.offsets.map(place => place.stream))];
      return [
        group.group, group.kind, count(group.members.length), streams.join(', '), count(lag), lag && points?.length ? span(points.at(-1)[2]) : '-',
        spark([...records(points), [now, lag]], `lag of ${group.group} in the last hour`),
        h('button', { type: 'button', onclick: () => move(mover, group.group, streams, load), disabled: !streams.length }, `Move ${group.group}`),
      ];
    })));
    const members = groups.flatMap(group => group.members.map(member => [group.group, member.client_id, member.host, member.partitions.map(part => `${part.stream}:${part.partition}`).join(', ')]));
    list.append(h('h3', {}, 'Members'), table('Members of groups', ['Group', 'Client', 'From', ['Partitions', 'long']], members));
    const answer = await ask('/v1/bridges');
    clear(bridges);
    bridges.append(table('Bridges', ['Bridge', 'State', 'Upstream', ['Lag', 'number'], ['Bytes', 'number'], 'Oldest', 'Lag in the last hour', ['Forwarded', 'number'], ['Received', 'number'], ['Refused', 'number'], 'Action'], answer.bridges.map(bridge => [
      bridge.name, h('span', { className: ['live', 'catching up', 'idle'].includes(bridge.state) ? 'good' : 'warn' }, bridge.state), bridge.address, count(bridge.lag_records), bytes(bridge.lag_bytes), span(bridge.lag_ms),
      spark([...records(bridgeCurves.get(bridge.name)), [now, bridge.lag_records]], `lag of ${bridge.name} in the last hour`),
      count(bridge.forwarded), count(bridge.received), count(bridge.refused),
      h('button', { type: 'button', onclick: () => change(bridge, load), ariaLabel: `${bridge.state === 'paused' ? 'Resume' : 'Pause'} ${bridge.name}` }, bridge.state === 'paused' ? 'Resume' : 'Pause'),
    ])));
  };
  root.append(list, mover, h('h3', {}, 'Bridges'), bridges);
  await load();
  page.every(2000, load);
}

async function change(bridge, load) {
  try {
    await ask(`/v1/bridges/${encodeURIComponent(bridge.name)}/${bridge.state === 'paused' ? 'resume' : 'pause'}`, { method: 'POST', body: {} });
    await load();
  } catch (error) { notice(error.message, 'bad'); }
}

/** Moving a group: first where it would be, then it is done. */
function move(root, group, streams, load) {
  const stream = h('select', {}, streams.map(name => h('option', {}, name)));
  const to = h('input', { value: '-1h', placeholder: 'earliest, latest, -1h, 2026-09-01, 0:1200' });
  const preview = h('div', {});
  const send = async isDry => {
    const answer = await ask(`/v1/groups/${encodeURIComponent(group)}/reset`, { method: 'POST', body: { stream: stream.value, to: to.value, dryRun: isDry } });
    preview.replaceChildren(
      table(isDry ? `Where ${group} would go on` : `Where ${group} goes on`, [['Partition', 'number'], ['Offset', 'number']], answer.offsets.map(place => [count(place.partition), count(place.offset)])),
      isDry ? h('p', {}, h('button', { type: 'button', className: 'primary', onclick: () => send(false).then(load).then(() => notice(`${group} was moved.`, 'good')).catch(error => notice(error.message, 'bad')) }, `Move ${group} there`)) : '');
  };
  root.replaceChildren(
    h('h3', {}, `Move ${group}`),
    h('form', { onsubmit: event => { event.preventDefault(); send(true).catch(error => notice(error.message, 'bad')); } }, field('Stream', stream), field('To', to), h('button', {}, 'Preview')), preview);
  stream.focus();
}
