/** Which threads are shown: by state, whose they are, and what is searched for. Pure. */

import type { IShownThread } from './asked';
import type { IAuthor } from './threads';

/** The tabs of the panel; the last one is there only where it was chosen elsewhere. */
export const FILTERS = ['open', 'resolved', 'mine', 'orphaned', 'all'] as const;

export type Filter = (typeof FILTERS)[number];

/** What is known of a document, for choosing. */
export interface IKnown {
  readonly isMine: (author: IAuthor) => boolean;
  readonly me: string;
  readonly isOrphan: (thread: string) => boolean;
}

/** Tell whether a thread belongs under a tab. */
export function belongs(
  thread: IShownThread,
  filter: Filter,
  { isMine, me, isOrphan }: IKnown
): boolean {
  switch (filter) {
    case 'open':
      // What was refused wants to be seen, wherever it was meant to go.
      return thread.state === 'open' || thread.refused.length > 0;
    case 'resolved':
      return thread.state === 'resolved';
    case 'mine':
      return thread.comments.some(
        ({ by, mentions, deleted }) =>
          !deleted && (isMine(by) || mentions.includes(me))
      );
    case 'all':
      return true;
    case 'orphaned':
      return thread.state === 'open' && isOrphan(thread.id);
  }
}

/** Tell whether all words of a search are in a thread: in its texts, its authors' names, its quote or its number. */
export function matches(
  { number, comments }: IShownThread,
  quote: string,
  search: string
): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) {
    return true;
  }
  const said = comments.flatMap(({ body, by }) => [body, by.name]);
  const all = [`#${number}`, quote, ...said].join('\n').toLowerCase();
  return words.every(word => all.includes(word));
}
