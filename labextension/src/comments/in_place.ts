/** A composer beside what it is about: goes with Escape or a click elsewhere, and keeps what was typed. */

import { Widget } from '@lumino/widgets';
import { Composer } from './composer';
import { element } from './dom';
import type { ISession, Words } from './shared';

/** Pixels between the composer, what it is about, and the window's edge. */
const GAP = 6;

/** What the composer is for. */
export interface IInPlaceOptions {
  readonly session: ISession;
  readonly trans: Words;
  /** Under what the draft is kept. */
  readonly key: string;
  /** What is commented on, in a few words. */
  readonly about: string;
  /** With what a comment begins. */
  readonly text: string;
  /** Where it is on the screen, now. */
  readonly rect: () => DOMRect;
  readonly send: (text: string, mentions: readonly string[]) => void;
  /** Give the focus back; after it was sent, nothing need stay selected. */
  readonly left: (isSent: boolean) => void;
}

/** Let a person comment where they are. */
export class InPlace extends Widget {
  constructor(private readonly _options: IInPlaceOptions) {
    super();
    const { session, trans, key, about, text, send } = _options;
    this.addClass('rtcw-InPlace');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', trans.__('Comment on %1', about));
    this._composer = new Composer({
      trans,
      label: trans.__('Comment or @mention somebody'),
      text: session.private.draft(key) || text,
      people: () => session.people,
      find: query => session.findPeople?.(query),
      actions: [
        {
          id: 'send',
          label: trans.__('Comment'),
          act: (text, mentions) => {
            session.private.keep(key, '');
            this.dispose();
            send(text, mentions);
            _options.left(true);
          }
        }
      ],
      typed: text => session.private.keep(key, text),
      cancelled: () => {
        session.private.flush?.();
        this.dispose();
        _options.left(false);
      }
    });
    this.node.append(
      element('div', 'rtcw-InPlace-about', about),
      this._composer.node
    );
    session.private.changed.connect(this._offer, this);
  }

  /** Show it; the focus goes into it. */
  open(): void {
    Widget.attach(this, document.body);
    this.place();
    this._composer.focus();
  }

  /** Put it under what it is about, or over it where there is no room. */
  place(): void {
    const { style } = this.node;
    const { innerWidth, innerHeight } = window;
    const at = this._options.rect();
    const { width, height } = this.node.getBoundingClientRect();
    const left = Math.min(at.left, innerWidth - width - GAP);
    style.left = `${Math.max(GAP, left)}px`;
    const isUnder = at.bottom + height + GAP < innerHeight;
    const over = Math.max(GAP, at.top - height - GAP);
    const under = Math.max(GAP, at.bottom + GAP);
    style.top = `${isUnder ? under : over}px`;
  }

  handleEvent(event: Event): void {
    if (event.type === 'resize') {
      this.place();
    } else if (!this.node.contains(event.target as Node)) {
      this.dispose();
    }
  }

  protected override onAfterAttach(): void {
    document.addEventListener('pointerdown', this, true);
    window.addEventListener('resize', this);
  }

  protected override onBeforeDetach(): void {
    document.removeEventListener('pointerdown', this, true);
    window.removeEventListener('resize', this);
  }

  private _offer(): void {
    const { session, key } = this._options;
    this._composer.offer(session.private.draft(key));
  }

  private readonly _composer: Composer;
}
