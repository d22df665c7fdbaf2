/** Where JupyterLab shows comments: a tab in a side bar, which tells what is unread. */

import { Widget } from '@lumino/widgets';
import { commentIcon } from './icons';
import { CommentsView, type IPanelOptions } from './panel';
import type { CommentSession } from './session';
import type { Words } from './shared';

/** Show the comments of the document in front. */
export class CommentsPanel extends Widget {
  constructor(options: Omit<IPanelOptions, 'isVisible' | 'drawn'>) {
    // The view draws before there is a widget around it.
    const around = { isVisible: () => false, drawn: () => {} };
    const view = new CommentsView<CommentSession>({
      ...options,
      isVisible: () => around.isVisible(),
      drawn: () => around.drawn()
    });
    super({ node: view.node });
    this.view = view;
    this._words = options.trans;
    this.id = 'rtc-widgets-comments';
    this.title.icon = commentIcon;
    around.isVisible = () => this.isVisible;
    around.drawn = () => this._drawTitle();
    this._drawTitle();
  }

  readonly view: CommentsView<CommentSession>;

  override dispose(): void {
    this.view.dispose();
    super.dispose();
  }

  protected override onAfterShow(): void {
    this.view.update();
  }

  private _drawTitle(): void {
    const { title, view, _words: words } = this;
    const unread = view.session?.private.unread ?? 0;
    const caption = unread
      ? words._n('Comments, %1 unread', 'Comments, %1 unread', unread)
      : words.__('Comments');
    if (title.caption !== caption) {
      title.caption = caption;
      title.className = unread ? 'rtcw-mod-unread' : '';
    }
  }

  private readonly _words: Words;
}
