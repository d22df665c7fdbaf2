/**
 * What was done to one shared text, item by item, so that it can be taken back whatever others do to the text meanwhile.
 *
 * The text's own list of items is read for that, deleted ones included: it knows where each of them stands.
 */

import * as Y from 'yjs';
import { Ranges } from './ranges';

/** A part of the text's list of items. */
export interface IPiece {
  /** `keep` what others wrote, `drop` what was inserted, `restore` what was deleted. */
  readonly act: 'keep' | 'drop' | 'restore';
  readonly text: string;
}

/** Tells of an item whether it was there at some time. */
export type Was = (item: Y.Item) => boolean;

/** What is there now. */
export const isThere: Was = item => !item.deleted;

/** Return a test for what was there before a transaction; valid in its observers only, before Yjs collects. */
export function before(transaction: Y.Transaction): Was {
  return item =>
    !isNew(item, transaction) &&
    (!item.deleted || Y.isDeleted(transaction.deleteSet, item.id));
}

/** Tell whether a transaction made this item. */
export function isNew({ id }: Y.Item, { beforeState }: Y.Transaction): boolean {
  return id.clock >= (beforeState.get(id.client) ?? 0);
}

/** Return a text as it was. */
export function read(text: Y.Text, was: Was = isThere): string {
  let found = '';
  for (const item of items(text)) {
    if (item.content instanceof Y.ContentString && was(item)) {
      found += item.content.str;
    }
  }
  return found;
}

/** Record changes of one text. */
export class TextStep {
  /**
   * Take part in a transaction.
   *
   * @param inserts tells whose insertions are recorded.
   * @param deletes whether the deletions are.
   */
  record(
    text: Y.Text,
    transaction: Y.Transaction,
    inserts: (client: number) => boolean,
    deletes: boolean
  ): void {
    const was = before(transaction);
    for (const item of items(text)) {
      const { client, clock } = item.id;
      if (!(item.content instanceof Y.ContentString)) {
        continue;
      }
      if (isNew(item, transaction)) {
        if (inserts(client)) {
          this._inserted.add(client, clock, item.length);
        }
      } else if (deletes && item.deleted && was(item)) {
        this._deleted.add(client, clock, item.length);
        const { str } = item.content;
        this._contents.push({ client, clock, str });
      }
    }
  }

  /** Return what taking back would do, in order. */
  pieces(text: Y.Text, was: Was = isThere): IPiece[] {
    const found: IPiece[] = [];
    const add = (act: IPiece['act'], more: string) => {
      const last = found.at(-1);
      if (last?.act === act) {
        found[found.length - 1] = { act, text: last.text + more };
      } else if (more) {
        found.push({ act, text: more });
      }
    };
    for (const item of items(text)) {
      const { client, clock } = item.id;
      if (item.content instanceof Y.ContentString && was(item)) {
        let at = 0;
        this._inserted
          .runs(client, clock, item.length)
          .forEach((length, run) => {
            const some = (item.content as Y.ContentString).str;
            add(run % 2 ? 'drop' : 'keep', some.slice(at, at + length));
            at += length;
          });
      } else if (item.deleted && !this._deleted.isEmpty) {
        let at = clock;
        this._deleted
          .runs(client, clock, item.length)
          .forEach((length, run) => {
            if (run % 2) {
              add('restore', this._restorable(client, at, length));
            }
            at += length;
          });
      }
    }
    return found;
  }

  /** Return the text as it would be after taking back. */
  original(text: Y.Text, was: Was = isThere): string {
    return this.pieces(text, was)
      .filter(({ act }) => act !== 'drop')
      .map(piece => piece.text)
      .join('');
  }

  /** Tell whether taking back would change anything. */
  isSpent(text: Y.Text): boolean {
    return read(text) === this.original(text);
  }

  /** Take it back. */
  takeBack(text: Y.Text): void {
    const delta = this.pieces(text).map(({ act, text: some }) => {
      switch (act) {
        case 'keep':
          return { retain: some.length };
        case 'drop':
          return { delete: some.length };
        case 'restore':
          return { insert: some };
      }
    });
    text.applyDelta(delta, { sanitize: false });
  }

  /** Return what was deleted there; what was inserted before that had never been there. */
  private _restorable(client: number, clock: number, length: number): string {
    let found = '';
    let at = clock;
    this._inserted.runs(client, clock, length).forEach((some, run) => {
      const end = at + some;
      while (run % 2 === 0 && at < end) {
        const content = this._contents.find(
          one =>
            one.client === client &&
            one.clock <= at &&
            at < one.clock + one.str.length
        )!;
        const piece = content.str.slice(
          at - content.clock,
          end - content.clock
        );
        found += piece;
        at += piece.length;
      }
      at = end;
    });
    return found;
  }

  private readonly _inserted = new Ranges();
  private readonly _deleted = new Ranges();
  private readonly _contents: {
    readonly client: number;
    readonly clock: number;
    readonly str: string;
  }[] = [];
}

function* items(text: Y.Text): Generator<Y.Item> {
  for (let item = text._start; item; item = item.right) {
    yield item;
  }
}
