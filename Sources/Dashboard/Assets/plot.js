// Curves of numbers over time, as SVG.
import { s, time } from './dom.js';

/** As many points as a screen can show: of each run of neighbours the least and the greatest. */
function thinned(points, most) {
  if (points.length <= most) return points;
  const run = Math.ceil(points.length / (most / 2));
  const kept = [];
  for (let start = 0; start < points.length; start += run) {
    const part = points.slice(start, start + run);
    const least = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const most = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(least[0] <= most[0] ? [least, most] : [most, least]));
  }
  return kept;
}

function scale(points, width, height, inset, least = Infinity) {
  const [x0, x1] = [points[0][0], points[points.length - 1][0]];
  let y0 = Math.min(least, ...points.map(point => point[1]));
  let y1 = Math.max(...points.map(point => point[1]));
  if (y0 === y1) { y0 -= least === 0 ? 0 : 1; y1 += 1; }
  return {
    x0, x1, y0, y1,
    x: value => inset + (x1 === x0 ? 0.5 : (value - x0) / (x1 - x0)) * (width - 2 * inset),
    y: value => height - inset - (value - y0) / (y1 - y0) * (height - 2 * inset),
  };
}

function path(points, to) {
  return points.map((point, index) => `${index ? 'L' : 'M'}${to.x(point[0]).toFixed(1)} ${to.y(point[1]).toFixed(1)}`).join('');
}

/** A small curve without axes; points are [milliseconds, value]. */
export function spark(points, label) {
  const image = s('svg', { class: 'spark', viewBox: '0 0 120 26', role: 'img', 'aria-label': label, preserveAspectRatio: 'none' });
  if (points.length > 1) {
    const few = thinned(points, 120);
    image.append(s('path', { class: 'curve', d: path(few, scale(few, 120, 26, 2)) }));
  }
  return image;
}

/** A curve with axes, as wide as the page. `least` is a value that the axis reaches down to. */
export function plot(points, label, least) {
  const [width, height] = [Math.max(280, document.getElementById('main').clientWidth - 32), 260];
  const image = s('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  if (!points.length) {
    image.append(s('text', { x: width / 2, y: height / 2, 'text-anchor': 'middle' }, 'no numbers in this time'));
    return image;
  }
  const few = thinned(points, 1600);
  const to = scale(few, width, height, 28, least);
  for (let step = 0; step <= 4; step += 1) {
    const value = to.y0 + (to.y1 - to.y0) * step / 4;
    const y = to.y(value);
    image.append(s('line', { class: 'grid', x1: 28, x2: width - 28, y1: y, y2: y }));
    image.append(s('text', { x: 32, y: y - 3 }, Number(value.toPrecision(5))));
  }
  image.append(s('text', { x: 28, y: height - 8 }, time(to.x0)));
  image.append(s('text', { x: width - 28, y: height - 8, 'text-anchor': 'end' }, time(to.x1)));
  const line = path(few, to);
  image.append(s('path', { class: 'area', d: `${line}L${to.x(to.x1)} ${height - 28}L${to.x(to.x0)} ${height - 28}Z` }));
  image.append(s('path', { class: 'curve', d: line }));
  return image;
}

/** The numbers in a payload, by their names; '' is a payload that is a number itself. */
export function numbers(payload) {
  const found = {};
  const walk = (value, name, depth) => {
    if (typeof value === 'number' && Number.isFinite(value)) found[name] = value;
    else if (value && typeof value === 'object' && !Array.isArray(value) && depth < 6) {
      for (const [key, inner] of Object.entries(value)) walk(inner, name ? `${name}.${key}` : key, depth + 1);
    }
  };
  if (typeof payload !== 'string') return found;
  try { walk(JSON.parse(payload), '', 0); } catch { /* No JSON, no numbers. */ }
  return found;
}
