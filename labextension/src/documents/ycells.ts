/** Reads the cells of a notebook's CRDT, also as they were before the transaction that is being observed. */

import * as Y from 'yjs';

/** A cell in the schema of jupyter_ydoc. */
export type YCell = Y.Map<unknown>;

/** What is known of a cell that was deleted. */
export interface IDeletedCell {
  readonly id: string;
  /** Before the transaction. */
  readonly text: string;
  readonly cellType: string;
  /** Where it stood. */
  readonly index: number;
}

// Yjs' own signature of deep observers.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyEvent = Y.YEvent<any>;

/** Return the text as it was before the event's transaction; only valid inside the observer, before Yjs collects. */
export function textBefore(
  text: Y.Text,
  event: Pick<AnyEvent, 'adds' | 'deletes'>
): string {
  let found = '';
  for (let item = text._start; item; item = item.right) {
    if (
      item.content instanceof Y.ContentString &&
      !event.adds(item) &&
      (!item.deleted || event.deletes(item))
    ) {
      found += item.content.str;
    }
  }
  return found;
}

/** Return the cells that the event's transaction deleted; only valid inside the observer. */
export function deletedCells(event: AnyEvent): IDeletedCell[] {
  const found: IDeletedCell[] = [];
  for (const item of event.changes.deleted) {
    const cell: unknown =
      item.content instanceof Y.ContentType ? item.content.type : null;
    if (!(cell instanceof Y.Map)) {
      continue;
    }
    const id = last(cell, 'id');
    const source = last(cell, 'source');
    if (typeof id === 'string' && source instanceof Y.Text) {
      found.push({
        id,
        text: textBefore(source, event),
        cellType: String(last(cell, 'cell_type')),
        index: indexOf(item)
      });
    }
  }
  return found;
}

/** Return the ids of the cells that the event's transaction inserted. */
export function insertedCells(event: AnyEvent): string[] {
  return event.changes.delta.flatMap(({ insert }) =>
    (Array.isArray(insert) ? (insert as unknown[]) : []).flatMap(cell => {
      const id: unknown = cell instanceof Y.Map ? cell.get('id') : undefined;
      return typeof id === 'string' ? [id] : [];
    })
  );
}

/** Return the text itself. */
export function plain(text: Y.Text): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- Yjs' method, declared without `override`
  return text.toString();
}

/** Return a key's value in a map that may be deleted. */
function last(map: Y.Map<unknown>, key: string): unknown {
  return map._map.get(key)?.content.getContent()[0];
}

function indexOf(item: Y.Item): number {
  let index = 0;
  for (let left = item.left; left; left = left.left) {
    index += left.deleted || !left.countable ? 0 : left.length;
  }
  return index;
}
