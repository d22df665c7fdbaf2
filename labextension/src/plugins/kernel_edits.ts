/** Tells quietly in a tab what the kernel changed there, and takes it back on request. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { eachShown, shownInFront } from '../each_shown';
import { KernelEdits, PAUSE } from '../kernel_edits/edits';
import { Notice } from '../notice';
import { showNext } from '../kernel_edits/show';
import { sentenceOf } from '../kernel_edits/words';
import { type ILiveDocument, ILiveDocuments } from '../tokens';

const ID = 'rtc-widgets:kernel-edits';
const UNDO = 'rtc-widgets:undo-kernel-edits';
const REDO = 'rtc-widgets:redo-kernel-edits';
const SHOW = 'rtc-widgets:show-kernel-edits';

/** Keep a document's notice as its kernel's edits are. */
function follow(
  widget: IDocumentWidget,
  edits: KernelEdits,
  isOn: () => boolean,
  trans: TranslationBundle
): void {
  let isQuiet = false;
  let last = 0;
  const notice = new Notice(trans, () => {
    edits.seal();
    isQuiet = true;
  });
  // Not by Lumino, to which the document may not be attached yet.
  widget.node.append(notice.node);
  const tell = () => {
    const { done, undone } = edits;
    if (!isOn() || isQuiet) {
      return;
    }
    if (done) {
      const { summary } = done;
      const { added, moved, edited } = summary;
      const show = {
        label: trans.__('Show'),
        act: () => showNext(widget, done)
      };
      const undo = { label: trans.__('Undo'), act: () => edits.undo() };
      notice.say(sentenceOf(summary, trans), [
        ...(added.length + moved.length + edited.length ? [show] : []),
        ...(edits.mayUndo ? [undo] : [])
      ]);
    } else if (undone) {
      const redo = { label: trans.__('Redo'), act: () => edits.redo() };
      notice.say(trans.__("The kernel's changes were taken back"), [redo]);
    } else {
      notice.clear();
      edits.seal();
    }
  };
  let timer: ReturnType<typeof setTimeout> | null = null;
  const soon = () => {
    const now = Date.now();
    // It went while edits kept coming: they are not told of again and again.
    isQuiet &&= now < last + PAUSE && edits.undone === null;
    last = now;
    // Many edits in a row are looked at once.
    timer ??= setTimeout(() => {
      timer = null;
      tell();
    }, 100);
  };
  const again = () => {
    if (!notice.isHidden) {
      tell();
    }
  };
  edits.changed.connect(soon);
  edits.mayUndoChanged.connect(again);
  widget.disposed.connect(() => {
    clearTimeout(timer ?? undefined);
    edits.changed.disconnect(soon);
    edits.mayUndoChanged.disconnect(again);
    notice.dispose();
  });
}

function addCommands(
  { commands, shell }: JupyterFrontEnd,
  documents: ILiveDocuments,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  const current = () => {
    const shown = shownInFront(shell, documents);
    return shown && { widget: shown.widget, ...parts(shown.live) };
  };
  const parts = (live: ILiveDocument) => {
    const edits = KernelEdits.of(live);
    const { done, undone, mayUndo, mayWrite } = edits;
    return { edits, done, undone, mayUndo, mayWrite };
  };
  const add = (
    command: string,
    label: string,
    isEnabled: () => boolean,
    execute: () => void
  ) => {
    const describedBy = { args: {} };
    commands.addCommand(command, { label, isEnabled, execute, describedBy });
    const category = trans.__('Real-Time Collaboration');
    palette?.addItem({ command, category });
  };
  add(
    UNDO,
    trans.__("Undo the Kernel's Last Edits"),
    () => !!current()?.mayUndo,
    () => current()?.edits.undo()
  );
  add(
    REDO,
    trans.__("Redo the Kernel's Last Edits"),
    () => !!current()?.undone && current()!.mayWrite,
    () => current()?.edits.redo()
  );
  add(
    SHOW,
    trans.__("Show the Kernel's Last Edits"),
    () => !!current()?.done,
    () => {
      const { widget, done } = current() ?? {};
      if (widget && done) {
        showNext(widget, done);
      }
    }
  );
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Tells what the kernel changed, and takes it back.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [
    INotebookTracker,
    IEditorTracker,
    ISettingRegistry,
    ICommandPalette,
    ITranslator
  ],
  activate: async (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    let isOn = true;
    documents.added.connect((_, live) => {
      KernelEdits.of(live);
    });
    eachShown<IDocumentWidget>(
      documents,
      [notebooks, editors],
      (widget, live) => follow(widget, KernelEdits.of(live), () => isOn, trans)
    );
    addCommands(app, documents, palette, trans);

    const settings = await registry?.load(ID);
    const apply = () => {
      isOn = settings?.composite['notice'] !== false;
    };
    settings?.changed.connect(apply);
    apply();
  }
};

export default plugin;
