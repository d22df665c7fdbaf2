/** Says in the editor of a notebook's text when that text is no notebook, and helps to mend it or to give it up. */

import type { YFile } from '@jupyter/ydoc';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { type FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { TextNotice } from '../text_view/notice';
import {
  type IProblem,
  isTextOfNotebook,
  offsetOf,
  TextState
} from '../text_view/text_state';
import { TextCells } from '../text_view/cells';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { toast } from './toast';

/** Milliseconds from a move of the cursor to the word of it. */
const QUIET = 300;

function jump({ editor }: FileEditor, { line, column }: IProblem): void {
  const text = editor.getLine(line - 1) ?? '';
  editor.setCursorPosition({ line: line - 1, column: offsetOf(text, column) });
  editor.focus();
}

/** Have the notebook's text again; the other one can be copied as long as the notification stands there. */
async function discard(
  { provider, path }: ILiveDocument,
  { editor }: FileEditor,
  trans: TranslationBundle
): Promise<void> {
  const text = editor.model.sharedModel.getSource();
  const name = PathExt.basename(path);
  try {
    await provider.request('discard');
  } catch (error) {
    toast('error', `${name}: ${(error as Error).message}`, trans);
    return;
  }
  editor.focus();
  const message = trans.__("%1 shows the notebook's text again.", name);
  toast('info', message, trans, {
    autoClose: 30_000,
    actions: [
      {
        label: trans.__('Copy the Other Text'),
        caption: trans.__('Copy the text that was taken away'),
        callback: event => {
          event.preventDefault();
          Clipboard.copyToSystem(text);
        }
      }
    ]
  });
}

/** Tell the others in which cell the cursor is: those who have the notebook open see it there. */
function tellCell({ editor }: FileEditor, { model }: ILiveDocument): void {
  const { awareness } = model;
  const cells = TextCells.of(model as YFile);
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tell = () => {
    timer = null;
    const state = awareness.getLocalState();
    // A tab that is leaving says nothing any more.
    if (editor.isDisposed || !state) {
      return;
    }
    const offset = editor.getOffsetAt(editor.getCursorPosition());
    const activeCell = cells.at(offset)?.id ?? null;
    if (state['activeCell'] !== activeCell) {
      awareness.setLocalState({ ...state, activeCell });
    }
  };
  // Not at each key: a large text takes a while to look through.
  editor.model.selections.changed.connect(() => {
    timer ??= setTimeout(tell, QUIET);
  });
}

function attach(
  widget: DocumentWidget<FileEditor>,
  live: ILiveDocument,
  state: TextState,
  trans: TranslationBundle
): void {
  const notice = new TextNotice({
    trans,
    jump: problem => jump(widget.content, problem),
    discard: () => void discard(live, widget.content, trans)
  });
  const update = () => notice.present(state.problem, live.provider.mayWrite);
  state.changed.connect(update);
  live.provider.roleChanged.connect(update);
  notice.disposed.connect(() => {
    state.changed.disconnect(update);
    live.provider.roleChanged.disconnect(update);
  });
  widget.contentHeader.addWidget(notice);
  tellCell(widget.content, live);
  update();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:text-view',
  description: 'Tells when a notebook that is edited as text is no notebook.',
  autoStart: true,
  requires: [ILiveDocuments, IEditorTracker],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    editors: IEditorTracker,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const states = new WeakMap<ILiveDocument, TextState>();
    documents.added.connect((_, live) => {
      if (isTextOfNotebook(live)) {
        // At once: the relay may tell before the editor is there.
        states.set(live, new TextState(live));
      }
    });
    editors.widgetAdded.connect((_, widget) => {
      const live = documents.find(widget.context.model.sharedModel);
      const state = live && states.get(live);
      if (state && widget instanceof DocumentWidget) {
        attach(widget as DocumentWidget<FileEditor>, live, state, trans);
      }
    });
  }
};

export default plugin;
