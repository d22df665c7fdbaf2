/** Tells a person what they may not do with a document, for as long as that is so. */

import { Clipboard, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { mayWrite, type Role } from '../roles';
import type { ILiveDocument } from '../tokens';
import { toast } from './toast';

/** What somebody may do: as the role says, or not even open it any more. */
export type Right = Role | 'none';

/** Milliseconds. */
const SHORT = 5_000;
const LONG = 10_000;

/** Hold one document's notification. */
export class RightsNotice {
  constructor(
    private readonly _live: ILiveDocument,
    private readonly _trans: TranslationBundle
  ) {}

  /** Note what this person may do now, null where that is not known or of no use any more. */
  set(right: Right | null): void {
    const before = this._right;
    if (right === before) {
      return;
    }
    this._right = right;
    this._wasEditor ||= before !== null && mayEdit(before);
    this._take();
    if (right === null) {
      return;
    }
    if (!mayEdit(right)) {
      this.tell();
    } else if (before !== null) {
      const { name, _trans: trans } = this;
      this._id = Notification.success(trans.__('You may edit %1 now.', name), {
        autoClose: SHORT
      });
    }
  }

  /** Tell, or tell again where the notification is gone, why nothing can be changed. */
  tell(): void {
    const isTold = this._id !== '' && Notification.manager.has(this._id);
    if (isTold || this._right === null || mayEdit(this._right)) {
      return;
    }
    if (this._right === 'none') {
      this._id = this._tellBarred();
      return;
    }
    const { name, _trans: trans } = this;
    if (this._wasEditor) {
      this._wasEditor = false;
      this._id = toast(
        'warning',
        trans.__(
          'You may not change %1 any more, only read it. Ask its owner for the right to edit.',
          name
        ),
        trans,
        { autoClose: false }
      );
      return;
    }
    const message =
      this._right === 'commenter'
        ? trans.__('You may read %1 and comment, but not change it.', name)
        : trans.__('You may read %1 but not change it.', name);
    this._id = Notification.info(message, { autoClose: LONG });
  }

  /** Take it away. */
  dispose(): void {
    this._right = null;
    this._take();
  }

  private get name(): string {
    return PathExt.basename(this._live.path);
  }

  private _tellBarred(): string {
    const { name, _trans: trans } = this;
    const unsaved = this._live.provider.unsaved();
    const text = unsaved.map(item => item.text).join('\n\n');
    const message = trans.__(
      'You may not open %1 any more. Ask its owner for access.',
      name
    );
    const kept = trans.__('What you typed last is kept here.');
    return toast('error', text ? `${message} ${kept}` : message, trans, {
      autoClose: false,
      actions: text
        ? [
            {
              label: trans.__('Copy My Text'),
              caption: trans.__(
                'Copy what you typed and the server did not get'
              ),
              callback: event => {
                event.preventDefault();
                Clipboard.copyToSystem(text);
              }
            }
          ]
        : []
    });
  }

  private _take(): void {
    if (this._id) {
      Notification.dismiss(this._id);
      this._id = '';
    }
  }

  private _id = '';
  private _right: Right | null = null;
  private _wasEditor = false;
}

function mayEdit(right: Right): boolean {
  return right !== 'none' && mayWrite(right);
}
