/** What the panel says where there are no threads, and over them. */

import type { Discussion } from './discussion';
import { draw } from './drawn';
import { element } from './dom';
import type { Filter } from './filters';
import type { Words } from './shared';

/** Return what is said instead of threads; *keys*: those by which one comments, empty where one may not. */
export function emptyNode(
  trans: Words,
  filter: Filter,
  isSearched: boolean,
  keys: string
): HTMLElement {
  const node = element('div', 'rtcw-Comments-empty');
  const words: Readonly<Record<Filter, string>> = {
    open: trans.__('No open comments'),
    resolved: trans.__('No resolved comments'),
    mine: trans.__('No comments by you, and none that mentions you'),
    orphaned: trans.__('Everything that comments are about is here'),
    all: trans.__('No comments')
  };
  if (isSearched) {
    node.append(element('p', '', trans.__('Nothing found')));
  } else {
    node.append(draw('comment', '32px'));
    node.append(element('p', '', words[filter]));
  }
  if (filter === 'open' && keys) {
    const hint = trans.__('Select text or a cell and press %1.', keys);
    node.append(element('p', 'rtcw-Comments-hint', hint));
  }
  return node;
}

/** Return what is to be known of a document's comments, empty for nothing. */
export function noteOf(trans: Words, discussion: Discussion | null): string {
  if (!discussion) {
    return trans.__('Open a shared notebook or text file to see its comments.');
  }
  if (discussion.role === 'viewer') {
    return trans.__('You may read the comments here but not write any.');
  }
  return discussion.isReady && !discussion.isOnline
    ? trans.__('Offline. What you write is sent once you are back.')
    : '';
}
