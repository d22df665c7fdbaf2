/** Beside a text, at each line where threads begin: how many, and the way to them. */

import { type Extension, RangeSet, type Text } from '@codemirror/state';
import { type EditorView, gutter, GutterMarker } from '@codemirror/view';
import { safe } from './pens';
import type { IMark } from './sessions';

/** What the margin needs of its editor. */
export interface IMarginOptions {
  /** Return what is marked now. */
  readonly marks: (view: EditorView) => RangeSet<LineMark> | undefined;
  /** The thread that this person looks at. */
  readonly active: () => string | null;
  /** Show a thread in the panel. */
  readonly pick: (thread: string) => void;
}

/**
 * Return the margin of an editor.
 *
 * CodeMirror hides what is there from screen readers: the badge at the cell and the panel say the same, by keyboard too.
 */
export function margin({ marks, active, pick }: IMarginOptions): Extension {
  const at = (view: EditorView, from: number, { target }: Event) => {
    let found: LineMark | null = null;
    if ((target as HTMLElement).closest('.rtcw-CommentGutter-mark')) {
      marks(view)?.between(from, from, (_from, _to, mark) => {
        found = mark;
        return false;
      });
    }
    return found as LineMark | null;
  };
  return gutter({
    class: 'rtcw-CommentGutter',
    markers: view => marks(view) ?? RangeSet.empty,
    domEventHandlers: {
      // The text keeps the focus.
      mousedown: (view, { from }, event) => at(view, from, event) !== null,
      click: (view, { from }, event) => {
        const found = at(view, from, event);
        if (found) {
          pick(found.after(active()));
        }
        return found !== null;
      }
    }
  });
}

/** Return the marks of the lines in which threads begin. */
export function lineMarks(
  doc: Text,
  marks: readonly IMark[],
  label: (count: number) => string
): RangeSet<LineMark> {
  const lines = new Map<number, IMark[]>();
  for (const mark of marks) {
    const { from } = doc.lineAt(Math.min(mark.from, doc.length));
    const here = lines.get(from);
    if (here) {
      here.push(mark);
    } else {
      lines.set(from, [mark]);
    }
  }
  return RangeSet.of(
    [...lines].map(([from, here]) => new LineMark(here, label).range(from)),
    true
  );
}

/** The threads that begin in one line. */
export class LineMark extends GutterMarker {
  constructor(
    private readonly _marks: readonly IMark[],
    private readonly _label: (count: number) => string
  ) {
    super();
  }

  /** Return the thread to show next. */
  after(thread: string | null): string {
    const at = this._marks.findIndex(mark => mark.thread === thread) + 1;
    return this._marks[at % this._marks.length]!.thread;
  }

  override eq(other: LineMark): boolean {
    return (
      other._marks.length === this._marks.length &&
      other._marks.every(({ thread, color, isActive }, index) => {
        const mine = this._marks[index]!;
        return (
          thread === mine.thread &&
          color === mine.color &&
          isActive === mine.isActive
        );
      })
    );
  }

  override toDOM(): Node {
    const { length } = this._marks;
    const node = document.createElement('div');
    const isActive = this._marks.some(mark => mark.isActive);
    node.className = `rtcw-CommentGutter-mark rtcw-Person${isActive ? ' rtcw-mod-active' : ''}`;
    node.style.setProperty('--rtcw-color', safe(this._marks[0]!.color));
    node.title = this._label(length);
    const count = document.createElement('span');
    count.textContent = String(length);
    node.append(count);
    return node;
  }
}
