// Publishing a message by hand.
import { ask, field, h, notice } from './dom.js';

export async function publish(root) {
  const topic = h('input', { required: true, placeholder: 'commands/dev42/set' });
  const payload = h('textarea', {});
  const retain = h('input', { type: 'checkbox' });
  root.append(h('form', {
    onsubmit: event => {
      event.preventDefault();
      const path = topic.value.split('/').map(encodeURIComponent).join('/');
      ask(`/v1/publish/${path}${retain.checked ? '?retain=true' : ''}`, { method: 'POST', body: payload.value, type: 'application/octet-stream' })
        .then(() => notice(`Published to ${topic.value}; it is on disk.`, 'good'))
        .catch(error => notice(error.message, 'bad'));
    },
  }, field('Topic', topic), h('label', { className: 'row' }, retain, 'retain'), h('button', { className: 'primary' }, 'Publish'), field('Payload', payload)));
}
