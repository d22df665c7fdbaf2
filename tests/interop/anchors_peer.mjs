// A notebook in the browser's code under Node: says what becomes of anchors, and does to it what JupyterLab does.
// Bundled by test_anchors.py; reads one JSON a line, and answers with one. Offsets are UTF-16 units.
import readline from 'node:readline';
import { YNotebook } from '@jupyter/ydoc';
import * as Y from 'yjs';
import { makeAnchor, Places, resolve } from '../../labextension/src/documents/anchors';
import { OPERATIONS } from '../../labextension/test/support/notebook_operations';

console.warn = () => {};
let notebook = new YNotebook();
const doc = () => notebook.ydoc;

const todo = {
  load({ update }) {
    notebook = new YNotebook();
    Y.applyUpdate(doc(), Buffer.from(update, 'hex'));
  },
  apply({ update }) {
    Y.applyUpdate(doc(), Buffer.from(update, 'hex'));
  },
  operate({ operation, cell, quote }) {
    OPERATIONS[operation](notebook, { cell, quote });
  },
  edit({ index, start, stop, text }) {
    const source = doc().getArray('cells').get(index).get('source');
    doc().transact(() => {
      source.delete(start, stop - start);
      source.insert(start, text);
    });
  },
  update() {
    return Buffer.from(Y.encodeStateAsUpdate(doc())).toString('hex');
  },
  make({ targets }) {
    const places = new Places(doc());
    return targets.map(target => makeAnchor(places, target));
  },
  resolve({ anchors }) {
    const places = new Places(doc());
    return anchors.map(anchor => resolve(places, anchor));
  },
  work({ anchors }) {
    const places = new Places(doc());
    anchors.forEach(anchor => resolve(places, anchor));
    const { work } = places;
    return [work.places, work.compared];
  },
  find({ index, positions }) {
    const text = doc().getArray('cells').get(index).get('source');
    return positions.map(position => {
      const made = Y.createRelativePositionFromJSON(position);
      const found = Y.createAbsolutePositionFromRelativePosition(made, doc(), false);
      return found?.type === text ? found.index : null;
    });
  }
};

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(todo[asked.do](asked) ?? null));
});
// An awareness has a timer, which would keep the process.
lines.on('close', () => process.exit());
