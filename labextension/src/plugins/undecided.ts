/** Offers texts that could not be merged, above their document, until the person has decided. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';
import { DocumentWidget, type IDocumentWidget } from '@jupyterlab/docregistry';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { YFile, YNotebook } from '@jupyter/ydoc';
import { addToFile, addToNotebook } from '../documents/recovery';
import { eachShown } from '../each_shown';
import { type ILiveDocument, ILiveDocuments, type IUndecided } from '../tokens';
import { UndecidedBanner } from '../undecided/banner';

function insert({ model }: ILiveDocument, { texts }: IUndecided): void {
  if (model instanceof YNotebook) {
    addToNotebook(model, texts);
  } else if (model instanceof YFile) {
    addToFile(model, texts);
  }
}

async function confirmDiscard(trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Discard what you typed?'),
    body: trans.__('It is kept nowhere else.'),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Discard') })
    ]
  });
  return button.accept;
}

function addBanner(
  { contentHeader }: Pick<DocumentWidget, 'contentHeader'>,
  live: ILiveDocument,
  documents: ILiveDocuments,
  trans: TranslationBundle
): void {
  const isNotebook = live.model instanceof YNotebook;
  const banner = new UndecidedBanner({
    trans,
    insertLabel: isNotebook
      ? trans.__('Insert as Cells')
      : trans.__('Insert at the End'),
    mayInsert: () => live.provider.mayWrite,
    copy: ({ texts }) =>
      Clipboard.copyToSystem(texts.map(({ text }) => text).join('\n\n')),
    insert: item => {
      insert(live, item);
      void documents.decide(live, item.id);
    },
    discard: item => {
      void confirmDiscard(trans).then(isSure => {
        if (isSure) {
          void documents.decide(live, item.id);
        }
      });
    }
  });
  const update = () => banner.present(documents.undecided(live));
  const onChanged = (_: unknown, changed: ILiveDocument) => {
    if (changed === live) {
      update();
    }
  };
  documents.undecidedChanged.connect(onChanged);
  live.provider.roleChanged.connect(update);
  live.provider.stateChanged.connect(update);
  banner.disposed.connect(() => {
    documents.undecidedChanged.disconnect(onChanged);
    live.provider.roleChanged.disconnect(update);
    live.provider.stateChanged.disconnect(update);
  });
  contentHeader.addWidget(banner);
  update();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:undecided',
  description: 'Offers typed text that could not be merged.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [INotebookTracker, IEditorTracker, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    eachShown<IDocumentWidget>(
      documents,
      [notebooks, editors],
      (widget, live) => {
        if (widget instanceof DocumentWidget) {
          addBanner(widget, live, documents, trans);
        }
      }
    );
  }
};

export default plugin;
