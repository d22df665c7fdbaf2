/** A CodeMirror extension that shows what comments are about, and offers to comment on what is selected. */

import {
  type ChangeDesc,
  Compartment,
  type EditorState,
  type Extension,
  RangeSet,
  StateEffect,
  type Text
} from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  type PluginValue,
  ViewPlugin,
  type ViewUpdate
} from '@codemirror/view';
import type * as Y from 'yjs';
import { safe } from './pens';
import { type LineMark, lineMarks, margin } from './margin';
import {
  cellOf,
  type CommentSessions,
  type IMark,
  type IOther
} from './sessions';

/** What editors need of the page. */
export interface IHighlightOptions {
  readonly sessions: CommentSessions;
  /** Show a thread in the panel. */
  readonly pick: (thread: string) => void;
  /** The selection in an editor changed: null where there is none. */
  readonly selected: (view: EditorView | null) => void;
  /** Say how many comments a line has. */
  readonly label: (count: number) => string;
}

const refreshed = StateEffect.define<null>();

/** Return the extension for the editor of *text*. */
export function highlights(
  text: Y.Text,
  options: IHighlightOptions
): Extension {
  const plugin = ViewPlugin.define(
    view => new Highlights(view, text, options, marked),
    {
      decorations: value => value.decorations,
      eventHandlers: {
        click(event, view) {
          const target = event.target as HTMLElement;
          const found = target.closest<HTMLElement>('.rtcw-Highlight');
          if (found && view.state.selection.main.empty) {
            options.pick(found.dataset['thread']!);
          }
        }
      }
    }
  );
  const place = new Compartment();
  const lines = margin({
    marks: view => view.plugin(plugin)?.lines,
    active: () => options.sessions.active,
    pick: options.pick
  });
  // Text moves aside for the marks: in a file always, in a cell where there are any.
  const isAlways = cellOf(text) === null;
  const marked: IMargin = {
    isAlways,
    isShown: state => place.get(state) === lines,
    show: isShown => place.reconfigure(isShown ? lines : [])
  };
  const hasAny = isAlways || options.sessions.marks(text).length > 0;
  return [plugin, place.of(hasAny ? lines : [])];
}

/** The margin of one editor. */
interface IMargin {
  readonly isAlways: boolean;
  readonly isShown: (state: EditorState) => boolean;
  readonly show: (isShown: boolean) => StateEffect<unknown>;
}

class Highlights implements PluginValue {
  constructor(
    private readonly _view: EditorView,
    private readonly _text: Y.Text,
    private readonly _options: IHighlightOptions,
    private readonly _margin: IMargin
  ) {
    _options.sessions.changed.connect(this._onChanged);
    this._look();
  }

  decorations: DecorationSet = Decoration.none;
  /** At the beginning of each line that has any, the threads that begin there. */
  lines = RangeSet.of<LineMark>([]);

  update(update: ViewUpdate): void {
    const { doc } = update.state;
    if (update.transactions.some(isRefresh)) {
      this._draw(doc);
    } else if (update.docChanged) {
      const { desc } = update.changes;
      this.decorations = this.decorations.map(desc);
      this._typed = this._typed?.composeDesc(desc) ?? desc;
      // What has parted or joined lines has also parted or joined what they are marked with.
      this.lines =
        doc.lines === update.startState.doc.lines
          ? this.lines.map(desc)
          : lineMarks(doc, this._shown(), this._options.label);
    }
    if (update.selectionSet || update.focusChanged || update.docChanged) {
      const { view } = update;
      const isSelected = view.hasFocus && !update.state.selection.main.empty;
      if (isSelected || this._wasSelected) {
        this._options.selected(isSelected ? view : null);
      }
      this._wasSelected = isSelected;
    }
  }

  destroy(): void {
    this._options.sessions.changed.disconnect(this._onChanged);
  }

  private readonly _onChanged = (_: unknown, { doc, cells }: IOther): void => {
    const isHere = !cells || cells.has(cellOf(this._text));
    if (doc === this._text.doc && isHere && this._look()) {
      const { isAlways, isShown, show } = this._margin;
      const hasAny = isAlways || this._marks.length > 0;
      const isOther = hasAny !== isShown(this._view.state);
      const effects = isOther ? [show(hasAny)] : [];
      this._view.dispatch({ effects: [refreshed.of(null), ...effects] });
    }
  };

  /** Look which threads are here, and tell whether that is news. */
  private _look(): boolean {
    const marks = this._options.sessions.marks(this._text);
    const shown = this._shown();
    const isNew =
      marks.length !== shown.length ||
      marks.some((mark, index) => !isSame(mark, shown[index]!));
    this._marks = marks;
    this._typed = null;
    if (isNew) {
      this._draw(this._view.state.doc);
    }
    return isNew;
  }

  /** Return the marks where they are by now: they have moved with the text. */
  private _shown(): readonly IMark[] {
    const typed = this._typed;
    return typed
      ? this._marks.map(mark => ({
          ...mark,
          from: typed.mapPos(mark.from, 1),
          to: typed.mapPos(mark.to, -1)
        }))
      : this._marks;
  }

  private _draw(doc: Text): void {
    const { length } = doc;
    this.lines = lineMarks(doc, this._marks, this._options.label);
    const ranges = this._marks
      .map(mark => ({ ...mark, to: Math.min(mark.to, length) }))
      .filter(({ from, to }) => from < to)
      .map(({ thread, from, to, color, isActive }) =>
        Decoration.mark({
          class: `rtcw-Highlight rtcw-Person${isActive ? ' rtcw-mod-active' : ''}`,
          attributes: {
            'data-thread': thread,
            style: `--rtcw-color: ${safe(color)}`
          }
        }).range(from, to)
      );
    this.decorations = Decoration.set(ranges, true);
  }

  private _marks: readonly IMark[] = [];
  /** What was typed since the marks were looked at. */
  private _typed: ChangeDesc | null = null;
  private _wasSelected = false;
}

function isSame(one: IMark, other: IMark): boolean {
  return (
    one.thread === other.thread &&
    one.from === other.from &&
    one.to === other.to &&
    one.color === other.color &&
    one.isActive === other.isActive
  );
}

function isRefresh({
  effects
}: {
  readonly effects: readonly StateEffect<unknown>[];
}): boolean {
  return effects.some(effect => effect.is(refreshed));
}
