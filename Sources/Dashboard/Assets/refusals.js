// What was refused, and dead letters by their reasons.
import { ago, ask, clear, count, h, notice, records, table } from './dom.js';

export async function refusals(root, rest, page) {
  const list = h('div', {});
  const letters = h('div', {});
  const load = async () => {
    const answer = await ask('/v1/refusals');
    clear(list);
    list.append(table('Refused of late', ['Client', 'From', ['Asked', 'long'], ['Why', 'long'], ['Times', 'number'], 'Last'],
      answer.refusals.map(refusal => [refusal.client_id, refusal.address, refusal.asked, refusal.reason, count(refusal.times), ago(refusal.last_ms)])));
  };
  root.append(h('h3', {}, 'Dead letters'), letters, h('h3', {}, 'Refusals'), list);
  await load();
  await showLetters(letters);
  page.every(3000, load);
}

async function showLetters(root) {
  const { streams } = await ask('/v1/streams');
  const found = new Map();
  for (const stream of streams.filter(stream => stream.name.endsWith('.dlq'))) {
    for (const record of await records(stream.name, { from: '-7d', limit: 5000 })) {
      const header = name => (record.headers ?? []).find(pair => pair[0] === name)?.[1];
      const reason = header('dlq.reason') ?? 'unknown';
      const key = `${stream.name} ${reason}`;
      const entry = found.get(key) ?? { stream: stream.name.slice(0, -4), reason, count: 0, devices: new Set(), example: '' };
      entry.count += 1;
      entry.devices.add(record.key);
      entry.example = `${header('dlq.text') ?? ''}\n${record.payload}`.slice(0, 200);
      found.set(key, entry);
    }
  }
  clear(root);
  const act = (entry, action) => h('button', { type: 'button', onclick: () => run(entry, action, root) }, `${action} ${entry.reason}`);
  root.append(table('Dead letters of the last 7 days', ['Stream', 'Reason', ['Letters', 'number'], ['Devices', 'number'], ['The last', 'long'], 'Action'],
    [...found.values()].map(entry => [entry.stream, entry.reason, count(entry.count), count(entry.devices.size), entry.example, h('span', { className: 'bar' }, act(entry, 'examine'), act(entry, 'redrive'))])));
}

/** Lets the broker do something with letters, and says how far it has come. */
async function run(entry, action, root) {
  try {
    const started = await ask(`/v1/deadletters/${encodeURIComponent(entry.stream)}/${action}`, { method: 'POST', body: { reason: entry.reason } });
    let report = started.letters;
    while (!report.done) {
      await new Promise(resolve => setTimeout(resolve, 300));
      report = (await ask(`/v1/deadletters/jobs/${report.job}`)).letters;
    }
    notice(report.fault ?? `${action}: of ${report.selected} letters ${report.passed} pass and ${report.failed} do not.`, report.fault ? 'bad' : 'good');
    if (action !== 'examine') await showLetters(root);
  } catch (error) { notice(error.message, 'bad'); }
}
