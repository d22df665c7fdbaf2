/** Asks, once for a notebook, whether its file gets a copy of the comments. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Discussion } from './discussion';

/** Ask where comments are to be when this person has begun them, and nobody has said. */
export function askForCopy(
  discussion: Discussion,
  trans: TranslationBundle
): void {
  let isAsked = false;
  const decide = (mirror: 'always' | 'never') =>
    discussion.decide(mirror).catch((error: Error) => {
      // Nothing is lost: who comments next is asked.
      isAsked = false;
      Notification.warning(error.message);
    });
  discussion.undecided.connect(() => {
    if (isAsked) {
      return;
    }
    isAsked = true;
    Notification.info(
      trans.__(
        'Comments are kept on this server. Shall the notebook\u2019s file have a copy, too? Then they travel with it, and show in Git.'
      ),
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Keep a Copy'),
            displayType: 'accent',
            callback: () => void decide('always')
          },
          {
            label: trans.__('Only on the Server'),
            callback: () => void decide('never')
          }
        ]
      }
    );
  });
}
