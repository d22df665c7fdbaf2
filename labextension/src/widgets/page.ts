/** What a page has for widgets: how it draws, and, with our extension, the documents that are open in it. */

import type { ISignal } from '@lumino/signaling';
import type { ICardOptions } from '../comments/card';
import type { ISession, Markdown, Words } from '../comments/shared';
import type { IContext } from './model';

/** How a page draws. */
export interface IKit {
  readonly trans: Words;
  readonly markdown: Markdown;
  /** Make what is drawn in an element look like the page. */
  readonly dress: (root: HTMLElement, signal: AbortSignal) => void;
  /** The documents of this page; null in one without our extension. */
  readonly documents: IDocuments | null;
}

/** The documents that are open in a page and have comments. */
export interface IDocuments {
  /** One was opened or closed. */
  readonly changed: ISignal<unknown, void>;
  find(lineage: string): IOpen | null;
}

/** One of them, and the ways about it. */
export interface IOpen extends Pick<
  ICardOptions,
  'go' | 'attach' | 'copyLink' | 'numberOf'
> {
  readonly session: ISession;
}

/** What a page offers to widgets, or their library. */
export interface IComponents {
  mount(context: IContext): () => void;
}

/** Where the widgets of any kernel find it; the number is that of what they say to each other. */
const KEY = Symbol.for('rtc_widgets.widgets.1');

/** Offer it to the widgets of this page. */
export function offer(components: IComponents): void {
  (globalThis as Record<symbol, unknown>)[KEY] = components;
}
