/** Which widgets show which live documents: each of them, now and later, and the one in front. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IWidgetTracker } from '@jupyterlab/apputils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { ILiveDocument, ILiveDocuments } from './tokens';

/** Call *attach* for each widget that shows a live document: those that are there, and those to come. */
export function eachShown<T extends IDocumentWidget>(
  documents: ILiveDocuments,
  trackers: readonly (IWidgetTracker<T> | null)[],
  attach: (widget: T, live: ILiveDocument) => void
): void {
  const look = (_: unknown, widget: T) => {
    const live = documents.find(widget.context.model.sharedModel);
    if (live) {
      attach(widget, live);
    }
  };
  for (const tracker of trackers) {
    tracker?.widgetAdded.connect(look);
    tracker?.forEach(widget => look(tracker, widget));
  }
}

/** Return the widget in front and the live document that it shows, undefined where it shows none. */
export function shownInFront(
  shell: JupyterFrontEnd.IShell,
  documents: ILiveDocuments
): { widget: IDocumentWidget; live: ILiveDocument } | undefined {
  const widget = shell.currentWidget as Partial<IDocumentWidget> | null;
  const model = widget?.context?.model.sharedModel;
  const live = model && documents.find(model);
  return live && { widget: widget as IDocumentWidget, live };
}
