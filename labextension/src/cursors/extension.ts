/** A CodeMirror extension that tells where this person's cursors are and shows where others' are. */

import { type Extension, StateEffect } from '@codemirror/state';
import {
  type EditorView,
  layer,
  type PluginValue,
  ViewPlugin,
  type ViewUpdate
} from '@codemirror/view';
import { ySyncAnnotation } from '@jupyterlab/codemirror';
import type { IDisposable } from '@lumino/disposable';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { caretMarkers, hover, type ICaret, selectionMarkers } from './markers';
import { OthersCursors } from './others';
import { encode, type IRange } from './positions';

/** Milliseconds between two looks at where the cursors are; typing does not wait for them. */
const PAUSE = 30;

/** Others' cursors moved. */
const moved = StateEffect.define<null>();
/** Which editor of a document told its cursors last. */
const tellers = new WeakMap<Awareness, Cursors>();

/** Return the extension for the editor of *text*. */
export function cursors(awareness: Awareness, text: Y.Text): Extension {
  const plugin = ViewPlugin.define(view => new Cursors(view, awareness, text), {
    eventHandlers: {
      mousemove(event, view) {
        if (this.carets.size) {
          hover(view, event);
        }
      },
      mouseleave(event, view) {
        hover(view, event);
      }
    }
  });
  const carets = (view: EditorView): Iterable<ICaret> =>
    view.plugin(plugin)?.carets.values() ?? [];
  // They shift when the text does; only for others' moves they are looked at without that.
  const update = (change: ViewUpdate) =>
    change.docChanged ||
    change.transactions.some(({ effects }) =>
      effects.some(effect => effect.is(moved))
    );
  return [
    plugin,
    layer({
      above: true,
      class: 'rtcw-Carets',
      markers: view => caretMarkers(view, carets(view)),
      update
    }),
    layer({
      above: false,
      class: 'rtcw-Selections',
      markers: view => selectionMarkers(view, carets(view)),
      update
    })
  ];
}

class Cursors implements PluginValue {
  constructor(
    private readonly _view: EditorView,
    private readonly _awareness: Awareness,
    private readonly _text: Y.Text
  ) {
    this._others = OthersCursors.of(_awareness);
    this._watch = this._others.watch(_text, () => {
      this._look(true);
      _view.dispatch({ effects: moved.of(null) });
    });
    this._look(true);
  }

  /** Others' carets in this editor, by client. */
  readonly carets = new Map<number, ICaret>();

  update(change: ViewUpdate): void {
    if (change.docChanged && this.carets.size) {
      const isRemote = change.transactions.some(transaction =>
        transaction.annotation(ySyncAnnotation)
      );
      // What this person types shifts them as it shifts everything; what others type may move them too.
      this._shift(change, isRemote ? -1 : 1);
      if (isRemote) {
        this._look(false);
      }
    }
    if (
      change.focusChanged ||
      ((change.selectionSet || change.docChanged) && this._view.hasFocus)
    ) {
      this._timer ??= setTimeout(() => {
        this._timer = null;
        this._tell();
      }, PAUSE);
    }
  }

  destroy(): void {
    this._watch.dispose();
    clearTimeout(this._timer ?? undefined);
    if (tellers.get(this._awareness) === this) {
      tellers.delete(this._awareness);
      this._awareness.setLocalStateField('cursors', []);
    }
  }

  private _shift({ changes }: ViewUpdate, side: -1 | 1): void {
    for (const [client, caret] of this.carets) {
      const ranges = caret.ranges.map(range => ({
        ...range,
        anchor: changes.mapPos(range.anchor, side),
        head: changes.mapPos(range.head, side)
      }));
      this.carets.set(client, { ...caret, ranges });
    }
  }

  /** Look where the carets are now; `told` says that it is because their owners told something. */
  private _look(told: boolean): void {
    const here = this._others.in(this._text);
    const { length } = this._view.state.doc;
    for (const client of this.carets.keys()) {
      if (!here.has(client)) {
        this.carets.delete(client);
      }
    }
    for (const [client, theirs] of here) {
      const before = this.carets.get(client);
      const { name, color } = theirs.who;
      const ranges = this._others
        .ranges(theirs, this._text)
        .map(({ anchor, head, primary }) => ({
          anchor: Math.min(anchor, length),
          head: Math.min(head, length),
          primary
        }));
      const isElsewhere = !before || !same(before.ranges, ranges);
      const moves = (before?.moves ?? 0) + (isElsewhere ? 1 : 0);
      if (isElsewhere || told) {
        this.carets.set(client, { name, color, ranges, moves });
      }
    }
  }

  private _tell(): void {
    const awareness = this._awareness;
    const view = this._view;
    const state = awareness.getLocalState();
    // A tab that is leaving says nothing any more.
    if (!state) {
      return;
    }
    if (view.hasFocus) {
      tellers.set(awareness, this);
      say(awareness, state, encode(view.state.selection, this._text));
    } else if (
      tellers.get(awareness) === this &&
      view.dom.ownerDocument.hasFocus()
    ) {
      // The person went elsewhere in this page; who only looks at another window has not gone.
      tellers.delete(awareness);
      say(awareness, state, []);
    }
  }

  private readonly _others: OthersCursors;
  private readonly _watch: IDisposable;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}

function say(
  awareness: Awareness,
  state: Readonly<Record<string, unknown>>,
  cursors: unknown[]
): void {
  if (JSON.stringify(state['cursors'] ?? []) !== JSON.stringify(cursors)) {
    awareness.setLocalState({ ...state, cursors });
  }
}

function same(one: readonly IRange[], other: readonly IRange[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ anchor, head }, index) =>
        anchor === other[index]!.anchor && head === other[index]!.head
    )
  );
}
