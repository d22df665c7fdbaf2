/** Marks what comments are about where there is no editor: in rendered Markdown and in outputs. Nothing in the page is another for it. */

import { type Cell, CodeCell, MarkdownCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { YCodeCell } from '@jupyter/ydoc';
import { rendered } from './carried';
import { draw } from './pens';
import type { CommentSession } from './session';
import type { CommentSessions, ILook } from './sessions';
import type { INews } from './shared';

interface IShown {
  readonly thread: string;
  readonly range: Range;
  readonly erase: () => void;
}

/** Keep the cells of a notebook marked, until it is closed. */
export class RenderedMarks {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _session: CommentSession,
    private readonly _sessions: CommentSessions,
    private readonly _pick: (thread: string) => void
  ) {
    if (typeof Highlight === 'undefined') {
      return;
    }
    _sessions.changed.connect((_, { doc, cells }) => {
      if (_sessions.of(doc) === _session) {
        this._update(cells);
      }
    });
    const { content, context } = _panel;
    content.node.addEventListener('click', event => this._onClick(event));
    void context.ready.then(() => {
      this._update(null);
      content.model?.cells.changed.connect(() =>
        queueMicrotask(() => this._update(null))
      );
    });
    _panel.disposed.connect(() => {
      this._observer.disconnect();
      this._shown.forEach((_, cell) => this._erase(cell));
    });
  }

  private _update(among: INews['cells']): void {
    if (this._panel.isDisposed) {
      return;
    }
    const { widgets } = this._panel.content;
    for (const cell of widgets) {
      if (!among || among.has(cell.model.id)) {
        this._mark(cell);
      }
    }
    if (!among) {
      const here = new Set(widgets);
      [...this._shown.keys()]
        .filter(cell => !here.has(cell))
        .forEach(cell => this._erase(cell));
    }
  }

  private _mark(cell: Cell): void {
    this._erase(cell);
    const marks = this._marks(cell);
    if (!marks.length) {
      return;
    }
    if (!this._observed.has(cell)) {
      this._observed.add(cell);
      this._observer.observe(cell.node, { childList: true, subtree: true });
    }
    this._shown.set(
      cell,
      marks.flatMap(([mark, range]) =>
        range ? { thread: mark.thread, range, erase: draw(range, mark) } : []
      )
    );
  }

  /** Return the marks of a cell that are not in its editor, each with where it is, null for not there yet. */
  private _marks(cell: Cell): [ILook, Range | null][] {
    const sessions = this._sessions;
    if (cell instanceof MarkdownCell) {
      const { ysource } = cell.model.sharedModel as unknown as YCodeCell;
      return sessions.marks(ysource).map(mark => {
        return [mark, rangeInMarkdown(cell, mark.from, mark.to)];
      });
    }
    if (!(cell instanceof CodeCell)) {
      return [];
    }
    const { places } = this._session;
    const looks = sessions.looks(this._session);
    return places.at(cell.model.id).flatMap(({ id }) => {
      const { output, line } = places.of(id)!;
      const mark = looks(id);
      return output === null || line === null || !mark
        ? []
        : [[mark, rangeOfLine(cell, output, line)]];
    });
  }

  private _erase(cell: Cell): void {
    this._shown.get(cell)?.forEach(({ erase }) => erase());
    this._shown.delete(cell);
  }

  private _onClick({ clientX, clientY }: MouseEvent): void {
    if (window.getSelection()?.isCollapsed === false) {
      return;
    }
    for (const shown of this._shown.values()) {
      const hit = shown.find(({ range }) =>
        [...range.getClientRects()].some(
          ({ left, right, top, bottom }) =>
            left <= clientX &&
            clientX <= right &&
            top <= clientY &&
            clientY <= bottom
        )
      );
      if (hit) {
        this._pick(hit.thread);
        return;
      }
    }
  }

  /** What is rendered anew has to be marked anew. */
  private readonly _observer = new MutationObserver(records => {
    const cells = [...this._observed].filter(
      cell =>
        !cell.isDisposed &&
        records.some(
          ({ target }) =>
            cell.node.contains(target) &&
            !(target as Element).closest('.cm-editor')
        )
    );
    cells.forEach(cell => this._mark(cell));
  });

  private readonly _observed = new Set<Cell>();
  private readonly _shown = new Map<Cell, readonly IShown[]>();
}

/** Return where a stretch of the source of a cell is rendered, null where it is not. */
export function rangeInMarkdown(
  cell: MarkdownCell,
  start: number,
  end: number
): Range | null {
  const node = cell.rendered
    ? cell.node.querySelector('.jp-MarkdownOutput')
    : null;
  if (!node) {
    return null;
  }
  const source = cell.model.sharedModel.getSource();
  const found = rendered(source, start, end, node.textContent ?? '');
  return found && rangeOf(node, ...found);
}

/** Return where a line of an output is, null where it has none. */
function rangeOfLine(
  { outputArea }: CodeCell,
  output: number,
  line: number
): Range | null {
  const node = outputArea?.widgets[output]?.node.querySelector('pre');
  const lines = node?.textContent?.split('\n');
  const text = lines?.[line];
  if (!node || !text) {
    return null;
  }
  const start = lines.slice(0, line).join('\n').length + (line ? 1 : 0);
  return rangeOf(node, start, start + text.length);
}

/** Return the range from one offset to another in the text of an element. */
function rangeOf(node: Element, start: number, end: number): Range | null {
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let at = 0;
  let isBegun = false;
  while (walker.nextNode()) {
    const text = walker.currentNode as Text;
    if (!isBegun && start < at + text.length) {
      range.setStart(text, start - at);
      isBegun = true;
    }
    if (isBegun && end <= at + text.length) {
      range.setEnd(text, end - at);
      return range;
    }
    at += text.length;
  }
  return null;
}
