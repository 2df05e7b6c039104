// Elements, requests and numbers. Nothing here makes HTML of text: what a device sends stays text.

/** An element with properties, listeners (`onclick`) and children; what is null or false is left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, properties, children);
  return element;
}

/** The same of SVG. */
export function s(tag, properties = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, properties, children);
  return element;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && !(element instanceof SVGElement) && name !== 'list') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) element.append(child);
}

/** Takes everything out of an element. */
export function clear(element) { element.replaceChildren(); }

/** A field with its label. */
export function field(text, input) { return h('label', {}, text, input); }

/** A table. Columns are names, or [name, 'number' or 'long']; cells are texts or elements. */
export function table(caption, columns, rows) {
  const kinds = columns.map(column => (Array.isArray(column) ? column : [column, null]));
  return h('div', { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: caption },
    h('table', {},
      h('caption', {}, caption),
      h('thead', {}, h('tr', {}, kinds.map(([name, kind]) => h('th', { scope: 'col', className: kind === 'number' ? kind : '' }, name)))),
      h('tbody', {}, rows.length
        ? rows.map(row => h('tr', {}, row.map((cell, index) => h('td', { className: kinds[index][1] ?? '' }, cell))))
        : h('tr', {}, h('td', { colSpan: kinds.length, className: 'soft' }, 'nothing')))));
}

/** Says something at the page's top, which screen readers hear. */
export function notice(text, kind = '') {
  const element = document.getElementById('notice');
  element.textContent = text;
  element.className = kind;
}

/** Asks the broker. Throws an Error with what it says. */
export async function ask(path, { method = 'GET', body, type } = {}) {
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = type ?? 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : type ? body : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) {
    let detail = text || answer.statusText;
    try { detail = JSON.parse(text).detail ?? detail; } catch { /* It is no document; then it is said as it is. */ }
    throw new Error(detail);
  }
  return text && (answer.headers.get('Content-Type') ?? '').includes('json') ? JSON.parse(text) : text;
}

/** The records of lines of JSON. */
export async function records(stream, query) {
  const text = await (async () => {
    const answer = await fetch(`/v1/streams/${encodeURIComponent(stream)}/records?${parameters(query)}&format=ndjson`);
    const body = await answer.text();
    if (!answer.ok) throw new Error(JSON.parse(body).detail);
    return body;
  })();
  return text.split('\n').filter(Boolean).map(line => JSON.parse(line));
}

/** A query of a URL; what is empty is left out. A plus sign stands for itself there, so nothing becomes one. */
export function parameters(values) {
  return Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

/** A number for people: 12,345 or 1.2 M. */
export function count(value) {
  if (value === null || value === undefined) return '–';
  if (Math.abs(value) >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(1);
}

/** Bytes for people. */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  for (const [unit, size] of [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 1024]]) {
    if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  }
  return `${Math.round(value)} B`;
}

/** How long ago a time is, in milliseconds since 1970. */
export function ago(milliseconds) {
  if (!milliseconds) return 'never';
  const elapsed = Date.now() - milliseconds;
  return elapsed < 2000 ? 'just now' : `${span(elapsed)} ago`;
}

/** A span for people. */
export function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (milliseconds < 2000) return `${Math.round(milliseconds)} ms`;
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** A time for people, in their own zone. */
export function time(milliseconds) {
  const date = new Date(milliseconds);
  const pad = (number, width = 2) => String(number).padStart(width, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
