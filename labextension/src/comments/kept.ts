/** Keeps in this browser what was asked and not answered, so that no text is lost with the page. */

import { isRecord } from '../presence/identity';
import { type IAsked, METHODS } from './asked';
import type { IKept } from './asking';

const KEYS = 'rtc_widgets:asked:';

/** Return where is kept what one person asks about one document; *whose* names both, once the person is known. */
export function keptAt(storage: Storage, whose: () => string): IKept {
  const prefix = () => `${KEYS}${whose()}:`;
  return {
    load: () =>
      Object.keys(storage)
        .filter(key => key.startsWith(prefix()))
        .flatMap(key => read(storage.getItem(key)) ?? [])
        .sort((a, b) => a.at - b.at),
    save: asked => {
      try {
        storage.setItem(prefix() + asked.id, JSON.stringify(asked));
      } catch {
        // The store is full: what is asked goes out all the same, and is only not kept for another page.
      }
    },
    remove: id => storage.removeItem(prefix() + id)
  };
}

/** Forget what is kept of everybody. */
export function forgetAsked(storage: Storage): void {
  Object.keys(storage)
    .filter(key => key.startsWith(KEYS))
    .forEach(key => storage.removeItem(key));
}

function read(text: string | null): IAsked | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isAsked(value) ? value : null;
  } catch {
    return null; // not by us
  }
}

/** Tell whether it was written by a release that asks as this one does: what is shown of it must not break the page. */
function isAsked(value: unknown): value is IAsked {
  if (!isRecord(value) || !isRecord(value['params'])) {
    return false;
  }
  const { id, method, at, refused, params } = value;
  const { thread, comment, body, op, mentions, anchor } = params;
  return (
    [id, thread].every(one => typeof one === 'string') &&
    [comment, body, op].every(one =>
      ['string', 'undefined'].includes(typeof one)
    ) &&
    METHODS.some(known => known === method) &&
    typeof at === 'number' &&
    (refused === null || typeof refused === 'string') &&
    (mentions === undefined ||
      (Array.isArray(mentions) &&
        mentions.every(one => typeof one === 'string'))) &&
    (anchor === undefined || isRecord(anchor))
  );
}
