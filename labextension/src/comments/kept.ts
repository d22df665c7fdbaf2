/** Keeps in this browser what was asked or half written and has not reached the server, so that no text is lost with the page. */

import { isRecord } from '../presence/identity';
import { type IAsked, METHODS } from './asked';
import type { IKept } from './asking';
import type { IHalfWritten } from './private';

const KEYS = 'rtc_widgets:asked:';
const HALF_WRITTEN = 'rtc_widgets:half-written:';

/** Who asks, and about which document. */
export interface IWhose {
  /** The person and the server. */
  readonly who: string;
  /** The document's room: its file may be moved, and it may be open in several forms. */
  readonly room: string;
  /** The document's type and path, by which it is known where the server has lost the room. */
  readonly at: string;
}

/** Return where is kept what one person asks about one document; they are asked for once both are known. */
export function keptAt(storage: Storage, whose: () => IWhose): IKept {
  const prefix = () => prefixOf(whose());
  return {
    load: () =>
      keysOf(storage, prefix())
        .flatMap(key => read(storage.getItem(key))?.asked ?? [])
        .sort((a, b) => a.at - b.at),
    save: asked => write(storage, prefix() + asked.id, asked, whose().at),
    remove: id => storage.removeItem(prefix() + id)
  };
}

/**
 * Take over what was asked about the document at that path when it had a room that is no more.
 *
 * @param isElsewhere tells of a room whether it is another document's by now.
 */
export async function adoptAsked(
  storage: Storage,
  whose: IWhose,
  isElsewhere: (room: string) => Promise<boolean>
): Promise<void> {
  const all = `${KEYS}${whose.who}#`;
  for (const key of keysOf(storage, all)) {
    const [room] = key.slice(all.length).split(':') as [string];
    const found = read(storage.getItem(key));
    const mayBeOurs = room !== whose.room && found?.document === whose.at;
    if (mayBeOurs && !(await isElsewhere(room))) {
      write(storage, prefixOf(whose) + found.asked.id, found.asked, whose.at);
      storage.removeItem(key);
    }
  }
}

/**
 * Return where is kept what one person has half written about one document.
 *
 * @param isKnown resolves once both are known, and rejects where the document does not come.
 */
export function halfWrittenAt(
  storage: Storage,
  whose: () => IWhose,
  isKnown: Promise<unknown>
): IHalfWritten {
  const prefix = () => prefixOf(whose(), HALF_WRITTEN);
  return {
    load: async () => {
      try {
        await isKnown;
      } catch {
        // The document does not come, of which others tell.
        return new Map();
      }
      const { length } = prefix();
      return new Map(
        keysOf(storage, prefix()).map(key => [
          key.slice(length),
          storage.getItem(key) ?? ''
        ])
      );
    },
    save: (key, text) => put(storage, prefix() + key, text),
    remove: key => storage.removeItem(prefix() + key)
  };
}

/** Forget what is kept of everybody. */
export function forgetKept(storage: Storage): void {
  [KEYS, HALF_WRITTEN]
    .flatMap(prefix => keysOf(storage, prefix))
    .forEach(key => storage.removeItem(key));
}

function prefixOf({ who, room }: IWhose, keys = KEYS): string {
  return `${keys}${who}#${room}:`;
}

function keysOf(storage: Storage, prefix: string): string[] {
  return Object.keys(storage).filter(key => key.startsWith(prefix));
}

function write(
  storage: Storage,
  key: string,
  asked: IAsked,
  document: string
): void {
  put(storage, key, JSON.stringify({ ...asked, document }));
}

function put(storage: Storage, key: string, text: string): void {
  try {
    storage.setItem(key, text);
  } catch {
    // The store is full: it goes out all the same, and is only not kept for another page.
  }
}

function read(
  text: string | null
): { readonly asked: IAsked; readonly document: unknown } | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (!isRecord(value)) {
      return null;
    }
    const { document, ...asked } = value;
    return isAsked(asked) ? { asked, document } : null;
  } catch {
    return null; // not by us
  }
}

/** Tell whether it was written by a release that asks as this one does: what is shown of it must not break the page. */
function isAsked(
  value: Record<string, unknown>
): value is Record<string, unknown> & IAsked {
  if (!isRecord(value['params'])) {
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
