// y-websocket's own client in a room: says what it sees, line by line, and edits when it is told to on standard input.
// Usage: node y_websocket.mjs NODE_TREE WS_URL PATH TOKEN
import { createRequire } from 'node:module';
import readline from 'node:readline';

const [tree, url, path, token] = process.argv.slice(2);
const require = createRequire(`${tree}/package.json`);
const Y = require('yjs');
const { WebsocketProvider } = require('y-websocket');
const WebSocket = require('ws');

// Browsers send cookies; under Node the token travels as a parameter.
const doc = new Y.Doc();
const provider = new WebsocketProvider(url, path, doc, {
  params: { token },
  WebSocketPolyfill: WebSocket,
  disableBc: true
});
const cells = doc.getArray('cells');
const say = (what, more = {}) =>
  console.log(JSON.stringify({ what, sources: cells.map(cell => cell.get('source').toString()), ...more }));

provider.on('sync', () => say('sync'));
provider.on('connection-close', event => say('close', { code: event?.code }));
provider.awareness.on('change', () =>
  say('awareness', { states: [...provider.awareness.getStates().values()] })
);
cells.observeDeep(() => say('change'));

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { insert, at, user } = JSON.parse(line);
  if (insert !== undefined) {
    cells.get(0).get('source').insert(at, insert);
  }
  if (user !== undefined) {
    provider.awareness.setLocalStateField('user', user);
  }
}
provider.destroy();
