/** A browser tab without a browser: one notebook, one provider, one connection. */

import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Backoff } from '../../src/channels/backoff';
import { Connection } from '../../src/channels/connection';
import { type IClosed, Provider } from '../../src/provider';
import type { IEvent } from '../../src/protocol/event';
import type { Relay } from './relay';

type Cell = Y.Map<unknown>;

/** Make a cell in the schema of jupyter_ydoc. */
export function cell(id: string, source: string, cellType = 'code'): Cell {
  const made: Cell = new Y.Map();
  made.set('id', id);
  made.set('cell_type', cellType);
  made.set('source', new Y.Text(source));
  return made;
}

/** Return a function that seeds a notebook: `{a: 'x = 1'}` is a cell with the id `a`. */
export function notebook(
  sources: Record<string, string>
): (doc: Y.Doc) => void {
  return doc => {
    const cells = Object.entries(sources).map(([id, text]) => cell(id, text));
    doc.getArray<Cell>('cells').push(cells);
  };
}

/** Read a notebook back: the sources by cell id, in order. */
export function sources(doc: Y.Doc): Record<string, string> {
  const found: Record<string, string> = {};
  doc.getArray<Cell>('cells').forEach((made, index) => {
    const id = String(made.get('id'));
    const key = id in found ? `${id}#${index}` : id;
    found[key] = (made.get('source') as Y.Text).toJSON();
  });
  return found;
}

/** Return the text of a cell. */
export function text(doc: Y.Doc, id: string): Y.Text {
  for (const made of doc.getArray<Cell>('cells')) {
    if (made.get('id') === id) {
      return made.get('source') as Y.Text;
    }
  }
  throw new Error(`There is no cell ${id}.`);
}

export class Tab {
  constructor(relay: Relay, name = '', backoff = new Backoff(1, 4)) {
    this.connection = new Connection({
      connect: relay.connect,
      refusal: () => Promise.resolve(relay.refusal),
      backoff,
      times: { quiet: 20, patience: 20 }
    });
    this.awareness = new Awareness(this.doc);
    if (name) {
      this.awareness.setLocalStateField('user', { name });
    }
    this.provider = new Provider({
      doc: this.doc,
      awareness: this.awareness,
      connection: this.connection,
      type: 'notebook',
      join: relay.join,
      backoff: new Backoff(1, 4)
    });
    this.provider.closed.connect((_, closed) => {
      this.closed = closed;
    });
    this.provider.eventReceived.connect((_, event) => {
      this.events.push(event);
    });
  }

  type(id: string, typed: string, at?: number): void {
    const target = text(this.doc, id);
    target.insert(at ?? target.length, typed);
  }

  /** The names of everybody this tab sees. */
  get names(): string[] {
    const states = [...this.awareness.getStates().values()];
    return states
      .map(state => (state.user as { name: string } | undefined)?.name ?? '')
      .sort();
  }

  dispose(): void {
    this.provider.dispose();
    this.connection.dispose();
    this.awareness.destroy();
  }

  readonly doc = new Y.Doc();
  readonly awareness: Awareness;
  readonly connection: Connection;
  readonly provider: Provider;
  readonly events: IEvent[] = [];
  closed: IClosed | null = null;
}
