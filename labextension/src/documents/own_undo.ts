/**
 * Undo of cells that keeps what others have typed since.
 *
 * JupyterLab undoes by Yjs' UndoManager: that deletes a cell which was inserted, or the copy by which one was moved, with
 * all that is in it by then. Where somebody has typed there, just the insertion or the move is taken back instead.
 */

import type { YNotebook } from '@jupyter/ydoc';
import type * as Y from 'yjs';
import { idsOf, Step } from './step';

type Item = Y.UndoManager['undoStack'][number];

const OWN = { inserts: () => true, deletes: true };
/** Under this name each item of the manager's stacks has its steps. */
const STEPS = 'rtc_widgets:steps';

/** Keep others' text in what one notebook's undo manager does. */
export function keepOthersText(model: YNotebook): void {
  const manager = model.undoManager;
  const doc = model.ydoc;
  const cells = doc.getArray<Y.Map<unknown>>('cells');
  let order = idsOf(cells);
  let fresh: Step | null = null;
  const stepsOf = ({ meta }: Item) =>
    (meta.get(STEPS) as Step[] | undefined) ?? [];

  cells.observeDeep((events, transaction) => {
    const origin: unknown = transaction.origin;
    const isOwn = origin === model || origin === manager;
    const isStructural = events.some(({ target }) => target === cells);
    if (!isOwn && !isStructural) {
      return;
    }
    const recorded = events as unknown as readonly Y.YEvent<never>[];
    if (isOwn) {
      fresh = new Step(doc, 'notebook');
      fresh.record(recorded, transaction, OWN, order);
    }
    // What was moved by others since is found where it is now.
    for (const item of [...manager.undoStack, ...manager.redoStack]) {
      stepsOf(item).forEach(step =>
        step.record(recorded, transaction, null, order)
      );
    }
    order = idsOf(cells);
  });
  const note = ({ stackItem }: { stackItem: Item }) => {
    if (fresh) {
      stackItem.meta.set(STEPS, [...stepsOf(stackItem), fresh]);
      fresh = null;
    }
  };
  manager.on('stack-item-added', note);
  manager.on('stack-item-updated', note);

  const guard = (name: 'undo' | 'redo', stack: () => Item[]) => {
    const plain = manager[name].bind(manager);
    const doing = name === 'undo' ? 'undoing' : 'redoing';
    manager[name] = () => {
      const item = stack().at(-1);
      const steps = item ? stepsOf(item) : [];
      if (!item || !steps.some(step => step.holdsMore(doc.clientID))) {
        return plain();
      }
      stack().pop();
      manager[doing] = true;
      try {
        doc.transact(() => {
          [...steps].reverse().forEach(step => step.takeBack(manager));
        }, manager);
      } finally {
        manager[doing] = false;
      }
      manager.emit('stack-item-popped', [
        {
          stackItem: item,
          type: name,
          origin: manager,
          changedParentTypes: new Map()
        },
        manager
      ]);
      return item;
    };
  };
  guard('undo', () => manager.undoStack);
  guard('redo', () => manager.redoStack);
}
