/** A CodeMirror extension that shows what comments are about, and offers to comment on what is selected. */

import {
  type ChangeDesc,
  type Extension,
  RangeSet,
  StateEffect
} from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  gutter,
  GutterMarker,
  type PluginValue,
  ViewPlugin,
  type ViewUpdate
} from '@codemirror/view';
import type * as Y from 'yjs';
import { safe } from './pens';
import { commentIcon } from './icons';
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
}

const refreshed = StateEffect.define<null>();

/** Return the extension for the editor of *text*. */
export function highlights(
  text: Y.Text,
  options: IHighlightOptions
): Extension {
  const plugin = ViewPlugin.define(
    view => new Highlights(view, text, options),
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
  const isFile = cellOf(text) === null;
  return isFile ? [plugin, margin(plugin, options)] : plugin;
}

/** In a text file, mark the lines too: there is no cell that could have a badge. */
function margin(
  plugin: ViewPlugin<Highlights>,
  { pick }: IHighlightOptions
): Extension {
  return gutter({
    class: 'rtcw-CommentGutter',
    markers: view => {
      const marks = view.plugin(plugin)?.marks ?? [];
      const { doc } = view.state;
      const lines = new Map<number, string[]>();
      for (const { from, thread } of marks) {
        const { from: start } = doc.lineAt(Math.min(from, doc.length));
        lines.set(start, [...(lines.get(start) ?? []), thread]);
      }
      const sorted = [...lines].sort((a, b) => a[0] - b[0]);
      return RangeSet.of(
        sorted.map(([at, [thread, ...more]]) =>
          new Bubble(thread!, 1 + more.length).range(at)
        )
      );
    },
    lineMarkerChange: ({ transactions }) => transactions.some(isRefresh),
    domEventHandlers: {
      click: (_, __, event) => {
        const target = event.target as HTMLElement;
        const found = target.closest<HTMLElement>('[data-thread]');
        if (found) {
          pick(found.dataset['thread']!);
        }
        return found !== null;
      }
    }
  });
}

class Bubble extends GutterMarker {
  constructor(
    private readonly _thread: string,
    private readonly _count: number
  ) {
    super();
  }

  override eq(other: Bubble): boolean {
    return other._thread === this._thread && other._count === this._count;
  }

  override toDOM(): Node {
    const node = document.createElement('div');
    node.className = 'rtcw-CommentGutter-mark';
    node.dataset['thread'] = this._thread;
    commentIcon.element({ container: node, width: '13px', height: '13px' });
    node.append(String(this._count));
    return node;
  }
}

class Highlights implements PluginValue {
  constructor(
    private readonly _view: EditorView,
    private readonly _text: Y.Text,
    private readonly _options: IHighlightOptions
  ) {
    _options.sessions.changed.connect(this._onChanged);
    this._look();
  }

  decorations: DecorationSet = Decoration.none;
  marks: readonly IMark[] = [];

  update(update: ViewUpdate): void {
    if (update.transactions.some(isRefresh)) {
      this._draw(update.state.doc.length);
    } else if (update.docChanged) {
      const { desc } = update.changes;
      this.decorations = this.decorations.map(desc);
      this._typed = this._typed?.composeDesc(desc) ?? desc;
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
      this._view.dispatch({ effects: refreshed.of(null) });
    }
  };

  /** Look which threads are here, and tell whether that is news. */
  private _look(): boolean {
    const marks = this._options.sessions.marks(this._text);
    const shown = this._shown();
    const isNew =
      marks.length !== shown.length ||
      marks.some((mark, index) => !isSame(mark, shown[index]!));
    this.marks = marks;
    this._typed = null;
    if (isNew) {
      this._draw(this._view.state.doc.length);
    }
    return isNew;
  }

  /** Return the marks where they are by now: they have moved with the text. */
  private _shown(): readonly IMark[] {
    const typed = this._typed;
    return typed
      ? this.marks.map(mark => ({
          ...mark,
          from: typed.mapPos(mark.from, 1),
          to: typed.mapPos(mark.to, -1)
        }))
      : this.marks;
  }

  private _draw(length: number): void {
    const ranges = this.marks
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
