// The page's frame: navigation, notices, and the pages, each in a file of its own.
import { clear, h, notice } from './dom.js';
import { overview } from './overview.js';
import { devices } from './devices.js';
import { streams } from './streams.js';
import { groups } from './groups.js';
import { tail } from './tail.js';
import { refusals } from './refusals.js';
import { configuration } from './configuration.js';
import { publish } from './publish.js';

const pages = [
  ['overview', 'Overview', overview], ['devices', 'Devices', devices], ['streams', 'Streams', streams],
  ['groups', 'Groups and bridges', groups], ['tail', 'Live', tail], ['refusals', 'Refusals', refusals],
  ['publish', 'Publish', publish], ['configuration', 'Configuration', configuration],
];
const nav = document.getElementById('nav');
const main = document.getElementById('main');
// What the page at hand has begun and must end: timers, event streams.
let ending = () => {};

/** The page and its arguments that the address names: `#/devices/dev42`. */
function place() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return pages.some(page => page[0] === name) ? [name, rest] : ['overview', []];
}

async function show() {
  ending();
  ending = () => {};
  const [name, rest] = place();
  clear(nav);
  for (const [key, title] of pages) {
    const link = h('a', { href: `#/${key}` }, title);
    if (key === name) link.setAttribute('aria-current', 'page');
    nav.append(h('li', {}, link));
  }
  const [, title, page] = pages.find(entry => entry[0] === name);
  document.title = `${title} – Sluice`;
  clear(main);
  notice('');
  const ends = [];
  let isOver = false;
  ending = () => {
    isOver = true;
    for (const end of ends) end();
  };
  const root = h('div', {});
  main.append(h('h2', {}, title), root);
  try {
    await page(root, rest, {
      onEnd: end => (isOver ? end() : ends.push(end)),
      every(milliseconds, body) {
        const timer = setInterval(() => { if (!document.hidden) body().catch(error => notice(error.message)); }, milliseconds);
        this.onEnd(() => clearInterval(timer));
      },
      get isOver() { return isOver; },
    });
  } catch (error) {
    if (!isOver) notice(error.message, 'bad');
  }
}

function theme(name) {
  if (name) document.documentElement.dataset.theme = name; else delete document.documentElement.dataset.theme;
}

document.getElementById('theme').addEventListener('click', () => {
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  theme(next);
  try { localStorage.setItem('theme', next); } catch { /* A browser may refuse to keep anything. */ }
});
try { theme(localStorage.getItem('theme')); } catch { /* See above. */ }
addEventListener('hashchange', () => show().then(() => main.focus({ preventScroll: true })));
show();
