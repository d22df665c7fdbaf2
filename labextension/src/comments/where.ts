/** From the page to anchors and back: what is selected, where that is on the screen, and the way to it. */

import { type Cell, type CodeCell, MarkdownCell } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { Notebook } from '@jupyterlab/notebook';
import type { YFile } from '@jupyter/ydoc';
import { written } from './carried';
import { rangeInMarkdown } from './rendered';
import type { IResolution, Target } from '../documents/anchors';
import { placeInText, targetInText } from '../text_view/comments';

type Editor = FileEditor['editor'];
type IRange = Pick<ReturnType<Editor['getSelection']>, 'start' | 'end'>;

/** What a comment may be about. */
export interface IChosen {
  readonly target: Target;
  /** The text, empty for a whole cell. */
  readonly quote: string;
  /** Words that are meant and that no anchor is at: they stand in the comment. */
  readonly cited?: string;
  /** Where it is on the screen, now. */
  readonly rect: () => DOMRect;
  /** Give the focus back; what is selected stays so, or not. */
  readonly focus: (isDone: boolean) => void;
}

/** Return what is selected, or else the active cell, or the line of a text file; null where there is nothing. */
export function chosen(
  { content }: IDocumentWidget,
  wholeCell = false
): IChosen | null {
  if (content instanceof FileEditor) {
    if (isNotebook(content)) {
      const found = targetInText(content);
      return (
        found && {
          ...found,
          rect: () => rectOf(content.editor, content.editor.getSelection()),
          focus: () => content.editor.focus()
        }
      );
    }
    const found = selection(content.editor);
    if (found) {
      return ranged(content.editor, found, undefined);
    }
    const { line } = content.editor.getCursorPosition();
    return {
      target: { kind: 'line', line },
      quote: content.editor.getLine(line)?.trim() ?? '',
      rect: () => rectOf(content.editor, content.editor.getSelection()),
      focus: () => content.editor.focus()
    };
  }
  if (!(content instanceof Notebook)) {
    return null;
  }
  const notebook = content;
  const read = wholeCell ? null : chosenToRead(notebook);
  const cell = notebook.activeCell;
  if (read || !cell) {
    return read;
  }
  const { editor } = cell;
  const found = editor && !wholeCell ? selection(editor) : null;
  if (editor && found && isShown(cell)) {
    return ranged(editor, found, cell.model.id);
  }
  return {
    target: { kind: 'cell', cell: cell.model.id },
    quote: '',
    rect: () => (cell.inputArea?.node ?? cell.node).getBoundingClientRect(),
    focus: () => notebook.activate()
  };
}

/** Return the output that an element is in, or the line of it that is selected; null for none. */
export function chosenOutput(
  { content }: Pick<IDocumentWidget, 'content'>,
  node: HTMLElement
): IChosen | null {
  const cells = content instanceof Notebook ? content.widgets : [];
  const cell = cells.find(one => one.node.contains(node)) as
    CodeCell | undefined;
  const cited = citedIn(node);
  const line = lineIn(node);
  const output = cell?.outputArea?.widgets.findIndex(one =>
    one.node.contains(node)
  );
  if (!cell || output === undefined || output < 0) {
    return null;
  }
  return {
    target: { kind: 'output', cell: cell.model.id, output, ...line },
    quote: '',
    ...cited,
    rect: () => node.getBoundingClientRect(),
    focus: () => (content as Notebook).activate()
  };
}

/** Return what is selected in an output or in rendered Markdown, where there is no editor; null for nothing. */
function chosenToRead(notebook: Notebook): IChosen | null {
  const selected = window.getSelection();
  const { parentElement: at } = selected?.anchorNode ?? {};
  if (!at || selected!.isCollapsed || !notebook.node.contains(at)) {
    return null;
  }
  const output = at.closest<HTMLElement>('.jp-OutputArea-child');
  if (output) {
    return chosenOutput({ content: notebook }, output);
  }
  const cell = notebook.widgets.find(({ node }) => node.contains(at));
  const area = at.closest('.jp-MarkdownOutput');
  const words = selected!.toString().trim();
  if (!(cell instanceof MarkdownCell) || !area || !words) {
    return null;
  }
  const range = selected!.getRangeAt(0);
  const rect = range.getBoundingClientRect();
  const before = document.createRange();
  before.setStart(area, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  const source = cell.model.sharedModel.getSource();
  const found = written(
    area.textContent ?? '',
    start,
    start + range.toString().length,
    source
  );
  const id = cell.model.id;
  const place = { rect: () => rect, focus: () => notebook.activate() };
  return found
    ? {
        target: { kind: 'range', cell: id, start: found[0], end: found[1] },
        quote: source.slice(...found),
        ...place
      }
    : { target: { kind: 'cell', cell: id }, quote: '', cited: words, ...place };
}

/** Return where what is selected ends on the screen, if that is rendered Markdown or an output of a notebook. */
export function endOfRead({
  content
}: IDocumentWidget): (() => DOMRect | null) | null {
  return content instanceof Notebook && isRead(content)
    ? () => {
        const rects = window.getSelection()?.rangeCount
          ? window.getSelection()!.getRangeAt(0).getClientRects()
          : null;
        return isRead(content) ? (rects?.item(rects.length - 1) ?? null) : null;
      }
    : null;
}

function isRead({ node }: Notebook): boolean {
  const selected = window.getSelection();
  const { parentElement: at } = selected?.anchorNode ?? {};
  const area = at?.closest('.jp-MarkdownOutput, .jp-OutputArea-child');
  return !!area && !selected!.isCollapsed && node.contains(area);
}

/** Return what is selected in an output, to stand in the comment: an anchor is at an output, or at a line of it. */
function citedIn(output: HTMLElement): { cited?: string } {
  const selected = window.getSelection();
  const isHere =
    selected?.isCollapsed === false && output.contains(selected.anchorNode);
  const words = isHere ? selected.toString().trim() : '';
  const isPlain = output.querySelector('pre')?.contains(selected!.anchorNode);
  return words && (!isPlain || words.includes('\n')) ? { cited: words } : {};
}

/** Return which line of an output is selected, nothing where that is no text of it. */
function lineIn(output: HTMLElement): { line?: number } {
  const selected = window.getSelection();
  const text = output.querySelector('pre');
  if (!text || selected?.isCollapsed !== false) {
    return {};
  }
  const range = selected.getRangeAt(0);
  if (!text.contains(range.startContainer)) {
    return {};
  }
  const before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(range.startContainer, range.startOffset);
  return { line: before.toString().split('\n').length - 1 };
}

/** Show where something is. */
export async function goTo(
  { content }: IDocumentWidget,
  place: IResolution
): Promise<void> {
  const { cell, start, end, output } = place;
  if (content instanceof FileEditor && isNotebook(content)) {
    const model = content.editor.model.sharedModel as YFile;
    const found = placeInText(model, place);
    if (found) {
      reveal(content.editor, found[0]);
    }
    return;
  }
  if (content instanceof FileEditor) {
    if (start !== null) {
      reveal(content.editor, start);
    }
    return;
  }
  const notebook = content instanceof Notebook ? content : null;
  const index = notebook?.widgets.findIndex(({ model }) => model.id === cell);
  if (!notebook || index === undefined || index < 0) {
    return;
  }
  // In edit mode the next key would be typed into the cell.
  notebook.mode = 'command';
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'smart');
  const found = notebook.widgets[index]!;
  await found.ready;
  if (output !== null) {
    const area = (found as CodeCell).outputArea?.widgets[output]?.node;
    area?.scrollIntoView({ block: 'nearest' });
    flash(area);
  } else if (start !== null && end !== null && isShown(found)) {
    reveal(found.editor!, start);
  } else {
    const range =
      found instanceof MarkdownCell && start !== null && end !== null
        ? rangeInMarkdown(found, start, end)
        : null;
    range?.startContainer.parentElement?.scrollIntoView({ block: 'nearest' });
    flash(found.node);
  }
}

/** Whether an editor has a notebook's text. */
export function isNotebook({ context }: FileEditor): boolean {
  return PathExt.extname(context.path).toLowerCase() === '.ipynb';
}

function flash(node: HTMLElement | undefined): void {
  node?.animate([{ backgroundColor: 'var(--jp-brand-color3)' }, {}], {
    duration: 1200,
    easing: 'ease-in'
  });
}

/** Whether the cell shows its source: rendered Markdown does not. */
function isShown(cell: Cell): boolean {
  return (
    cell.editor !== null && !('rendered' in cell && cell.rendered === true)
  );
}

function reveal(editor: Editor, offset: number): void {
  const position = editor.getPositionAt(offset);
  if (position) {
    editor.revealPosition(position);
  }
}

function selection(editor: Editor): IRange | null {
  const { start, end } = editor.getSelection();
  const isEmpty = start.line === end.line && start.column === end.column;
  return isEmpty ? null : { start, end };
}

function ranged(
  editor: Editor,
  range: IRange,
  cell: string | undefined
): IChosen {
  const ends = [range.start, range.end].map(at => editor.getOffsetAt(at));
  const [start, end] = [Math.min(...ends), Math.max(...ends)];
  const where = cell === undefined ? {} : { cell };
  return {
    target: { kind: 'range', ...where, start, end },
    quote: editor.model.sharedModel.getSource().slice(start, end),
    rect: () => rectOf(editor, range),
    focus: isDone => {
      if (isDone) {
        editor.setCursorPosition(editor.getCursorPosition());
      }
      editor.focus();
    }
  };
}

function rectOf(editor: Editor, { start, end }: IRange): DOMRect {
  const from = editor.getCoordinateForPosition(start);
  const to = editor.getCoordinateForPosition(end);
  if (!from || !to) {
    return editor.host.getBoundingClientRect();
  }
  const left = Math.min(from.left, to.left);
  const top = Math.min(from.top, to.top);
  const right = Math.max(from.right, to.right);
  const bottom = Math.max(from.bottom, to.bottom);
  return new DOMRect(left, top, right - left, bottom - top);
}
