/** Notifications that keep their last words: JupyterLab cuts a message after 140 characters, and cures come last. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

const MOST = 140;

/** How a notification is coloured. */
export type Level = 'info' | 'warning' | 'error';

/** Show a notification, with a button for what does not fit, and return its id. */
export function toast(
  level: Level,
  message: string,
  trans: TranslationBundle,
  options: Notification.IOptions<never> = {}
): string {
  if (message.length <= MOST) {
    return Notification.emit(message, level, options);
  }
  const more: Notification.IAction = {
    label: trans.__('More'),
    callback: event => {
      // Stay, for the other buttons.
      event.preventDefault();
      void showDialog({
        title: trans.__('Real-Time Collaboration'),
        body: message,
        buttons: [Dialog.okButton()]
      });
    }
  };
  return Notification.emit(message, level, {
    ...options,
    actions: [...(options.actions ?? []), more]
  });
}
