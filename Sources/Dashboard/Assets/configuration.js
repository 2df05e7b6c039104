// The configuration as it was understood, and what becomes of a topic.
import { ask, field, h, notice } from './dom.js';

export async function configuration(root) {
  const topic = h('input', { placeholder: 'sensors/plant1/dev42/temp', required: true });
  const answer = h('pre', { tabIndex: 0, hidden: true });
  const whole = h('pre', { tabIndex: 0 });
  root.append(
    h('h3', {}, 'Where a topic goes'),
    h('form', {
      onsubmit: event => {
        event.preventDefault();
        notice('');
        ask(`/v1/explain?topic=${encodeURIComponent(topic.value)}`)
          .then(found => { answer.hidden = false; answer.textContent = JSON.stringify(found, null, 2); })
          .catch(error => notice(error.message, 'bad'));
      },
    }, field('Topic', topic), h('button', { className: 'primary' }, 'Explain')),
    answer, h('h3', {}, 'In force'), whole);
  whole.textContent = JSON.stringify(await ask('/v1/configuration'), null, 2);
}
