/** A small dialog beside a button: comes with it, goes with Escape or a click elsewhere, and gives the focus back. */

import { Widget } from '@lumino/widgets';

/** Pixels between the button, the popup and the window's edge. */
const GAP = 6;

/** Show content beside a button. */
export class Popup extends Widget {
  constructor(
    private readonly _button: HTMLElement,
    label: string,
    className: string
  ) {
    super();
    this.addClass('rtcw-Popup');
    this.addClass(className);
    const { node } = this;
    node.setAttribute('role', 'dialog');
    node.setAttribute('aria-label', label);
    node.tabIndex = -1;
  }

  /** Show it; the focus goes into it. */
  open(): void {
    Widget.attach(this, document.body);
    this._button.setAttribute('aria-expanded', 'true');
    this.place();
    this.node.focus();
  }

  /** Put it where there is room: over a button at the bottom of the window, under one at the top. */
  place(): void {
    const { style } = this.node;
    const { innerWidth, innerHeight } = window;
    const at = this._button.getBoundingClientRect();
    const { width } = this.node.getBoundingClientRect();
    const left = Math.min(at.left, innerWidth - width - GAP);
    style.left = `${Math.max(GAP, left)}px`;
    const isAbove = at.top > innerHeight / 2;
    style.top = isAbove ? '' : `${at.bottom + GAP}px`;
    style.bottom = isAbove ? `${innerHeight - at.top + GAP}px` : '';
    const room = isAbove ? at.top : innerHeight - at.bottom;
    style.maxHeight = `${room - 2 * GAP}px`;
  }

  handleEvent(event: Event): void {
    const target = event.target as Node;
    if (event instanceof KeyboardEvent) {
      if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        this.leave();
      } else if (event.key === 'Tab') {
        // Who goes on with Tab, beyond the last button, has left.
        requestAnimationFrame(() => {
          if (!this.node.contains(document.activeElement)) {
            this.dispose();
          }
        });
      }
    } else if (event.type === 'resize') {
      this.place();
    } else if (
      !this.node.contains(target) &&
      !this._button.contains(target) &&
      this.isAttached
    ) {
      this.dispose();
    }
  }

  /** Close it and give the focus back. */
  leave(): void {
    this.dispose();
    this._button.focus();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._button.setAttribute('aria-expanded', 'false');
    }
    super.dispose();
  }

  protected override onAfterAttach(): void {
    this.node.addEventListener('keydown', this);
    document.addEventListener('pointerdown', this, true);
    window.addEventListener('resize', this);
  }

  protected override onBeforeDetach(): void {
    this.node.removeEventListener('keydown', this);
    document.removeEventListener('pointerdown', this, true);
    window.removeEventListener('resize', this);
  }
}
