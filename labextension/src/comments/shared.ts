/** What a view of comments needs to know of a document, wherever that comes from; and what it needs of its page. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { IResolution } from '../documents/anchors';
import type { IIdentity } from '../presence/identity';
import type { IShownThread } from './asked';
import type { Discussion } from './discussion';
import type { IMentionable } from './mentions';
import type { IAuthor, IThread } from './threads';

/** The words of the interface, in the language of the page. */
export type Words = Pick<TranslationBundle, '__' | '_n'>;

/** Fills an element with rendered Markdown, which is not trusted; fails where it cannot be rendered now. */
export type Markdown = (into: HTMLElement, text: string) => Promise<void>;

/** What to show anew. */
export interface INews {
  /** Those that are elsewhere now, or say another thing. */
  readonly threads: ReadonlySet<string>;
  /** The cells, null for the text of a file, in which some are, or were; null for all cells. */
  readonly cells: ReadonlySet<string | null> | null;
  /** Whether the order is another, or something was lost or found. */
  readonly isReordered: boolean;
}

/** Where the threads of a document are. */
export interface IPlaces {
  /** Some thread is elsewhere now, or there are others: which, or nothing where that is not known. */
  readonly changed: ISignal<unknown, INews | void>;
  /** The threads in the order of the document. */
  readonly ordered: readonly IShownThread[];
  of(thread: string): IResolution | null;
  /** Whether what a thread is about is not in the document. */
  isOrphan(thread: string): boolean;
}

/** What is one person's alone. */
export interface IPrivate {
  readonly changed: ISignal<unknown, void>;
  readonly unread: number;
  isUnread(thread: IThread): boolean;
  /** Note that a thread was looked at. */
  read(thread: IThread): void;
  /** Return what is half written, empty for nothing. */
  draft(key: string): string;
  /** Keep what is half written; an empty text is forgotten. */
  keep(key: string, text: string): void;
  /** Send it now, where it is sent somewhere: the person goes. */
  flush?(): void;
}

/** The comments of one document. */
export interface ISession {
  readonly discussion: Discussion;
  readonly places: IPlaces;
  readonly private: IPrivate;
  /** Everybody who can be mentioned. */
  readonly people: readonly IMentionable[];
  /** Ask whom a name that is being typed may mean, and tell whether that made `people` more. */
  findPeople?(query: string): Promise<boolean>;
  /** Return how an author looks. */
  lookOf(author: IAuthor): IIdentity;
}
