/** Rooms: ask the relay over HTTP to open a file, and what it says of itself (section 6). */

import type { Refusal } from './channels/link';
import { ChannelClosed, NotConnected } from './errors';
import { isObject } from './protocol/codec';
import { isCloseCode, sentence } from './protocol/codes';

/** What a room's document needs to be opened with. */
export interface IRoom {
  readonly room: string;
  readonly path: string;
  readonly lineage: string;
  readonly ticket: string;
  readonly release: string;
  readonly commId: string;
  /** The comm id of the document beside it, of what is said about the content. */
  readonly annotationsId: string;
}

/** What the relay says of itself. */
export interface IRelay {
  readonly release: string;
  readonly provider: 'rtc_widgets' | 'other';
  /** The other collaboration extension that owns documents on this server. */
  readonly other: string | null;
}

/** Make an HTTP request to the server: a path below the base URL; rejects where there is no answer. */
export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

/** Milliseconds; over a network that swallows packets a request would take minutes to fail. */
const ANSWER = 30_000;
const ANSWER_AGAIN = 8_000;
/**
 * Milliseconds, and how many in all; after an outage a browser goes on using connections that are dead, six at most, each for
 * one request until that is given up. So there is one more request from time to time, until one is answered.
 */
const ONE_MORE = 1_000;
const MOST_AT_ONCE = 7;

/** Statuses of a proxy, or of JupyterHub, whose server is away for a moment. */
const AWAY = new Set([405, 424, 429, 502, 503, 504]);

async function body(response: Response): Promise<Record<string, unknown>> {
  try {
    const value: unknown = await response.json();
    return isObject(value) ? value : {};
  } catch {
    // A proxy's error page is not JSON; the status says enough.
    return {};
  }
}

/** Make a request, and while it is not answered more of the same; return the first answer and give up the others. */
async function insist(
  make: (signal: AbortSignal) => Promise<Response>
): Promise<Response> {
  const made: AbortController[] = [];
  const giveUp = (but?: AbortController) =>
    made.filter(one => one !== but).forEach(one => one.abort());
  const late = setTimeout(() => giveUp(), ANSWER_AGAIN);
  let more: ReturnType<typeof setInterval> | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const one = () => {
        const attempt = new AbortController();
        if (made.push(attempt) === MOST_AT_ONCE) {
          clearInterval(more);
        }
        make(attempt.signal).then(
          response => {
            giveUp(attempt);
            resolve(response);
          },
          // The server is away, or all are given up.
          reject
        );
      };
      more = setInterval(one, ONE_MORE);
      one();
    });
  } finally {
    clearTimeout(late);
    clearInterval(more);
  }
}

/** What a room is asked for by. */
export interface IWanted {
  readonly path: string;
  readonly format: string;
  readonly type: string;
  /** The id of the room that this page had: it is followed where its file was moved meanwhile. */
  readonly room?: string | null;
}

function put(
  fetch: Fetch,
  { path, format, type, room }: IWanted,
  signal: AbortSignal
): Promise<Response> {
  const parts = path.split('/').map(encodeURIComponent).join('/');
  return fetch(`api/rtc_widgets/rooms/${parts}`, {
    method: 'PUT',
    body: JSON.stringify({ format, type, ...(room && { room }) }),
    signal
  });
}

/** Return where the file of a room is, where the answer to who asked at another path says so. */
function movedTo(
  { room }: IWanted,
  { status }: Response,
  { path }: Record<string, unknown>
): string | null {
  return room && status === 404 && typeof path === 'string' ? path : null;
}

/** Tell whether a room's file is at another path than the one that is named; not where nobody knows the room any more. */
export async function isElsewhere(
  fetch: Fetch,
  wanted: IWanted
): Promise<boolean> {
  const response = await put(fetch, wanted, AbortSignal.timeout(ANSWER));
  return movedTo(wanted, response, await body(response)) !== null;
}

/** Open the room of a file, or open it `again`; throws `ChannelClosed` where the relay refuses, `NotConnected` where it is away. */
export async function openRoom(
  fetch: Fetch,
  wanted: IWanted,
  again = false
): Promise<IRoom> {
  const ask = (signal: AbortSignal) => put(fetch, wanted, signal);
  let response: Response;
  try {
    response = await (again ? insist(ask) : ask(AbortSignal.timeout(ANSWER)));
  } catch {
    throw new NotConnected('The server does not answer.');
  }
  const value = await body(response);
  const moved = movedTo(wanted, response, value);
  if (moved !== null && moved !== wanted.path) {
    return openRoom(fetch, { ...wanted, path: moved }, again);
  }
  if (!response.ok) {
    const { code, message } = value;
    if (isCloseCode(code)) {
      throw new ChannelClosed(
        code,
        typeof message === 'string' && message ? message : sentence(code)
      );
    }
    if (AWAY.has(response.status)) {
      throw new NotConnected(`The server answers ${response.status}.`);
    }
    const refused = response.status === 401 || response.status === 403;
    const guess = refused ? 'unauthorized' : 'internal-error';
    throw new ChannelClosed(guess, sentence(guess));
  }
  const documents = isObject(value.documents) ? value.documents : {};
  const content = isObject(documents.content) ? documents.content : {};
  const annotations = isObject(documents.annotations)
    ? documents.annotations
    : {};
  return {
    room: String(value.room),
    path: String(value.path),
    lineage: String(value.lineage),
    ticket: String(value.ticket),
    release: String(value.release),
    commId: String(content.comm_id),
    annotationsId: String(annotations.comm_id)
  };
}

/** Milliseconds; a ticket is good for a minute. */
const FRESH = 30_000;

/** Let the two documents of a room share what one request opened: a ticket is good for one use by each. */
export class Joins {
  /** @param _open opens the room over HTTP. */
  constructor(private readonly _open: () => Promise<IRoom>) {}

  /** Open the room for the content. */
  readonly content = (): Promise<IRoom> => {
    const opened = this._open();
    this._last = { opened, at: Date.now() };
    return opened;
  };

  /** Open it for the annotations: with what the content was opened with, once; whose lineage is the room's id. */
  readonly annotations = async (): Promise<IRoom> => {
    const last = this._last;
    this._last = null;
    const isFresh = last !== null && Date.now() - last.at < FRESH;
    const room = await (isFresh ? last.opened : this._open());
    return { ...room, commId: room.annotationsId, lineage: room.room };
  };

  private _last: { opened: Promise<IRoom>; at: number } | null = null;
}

/** Ask whether the server lets this person in, null where it does; rejects where there is no answer. */
export async function refusal(fetch: Fetch): Promise<Refusal | null> {
  const response = await fetch('api/rtc_widgets', {
    method: 'GET',
    signal: AbortSignal.timeout(ANSWER_AGAIN)
  });
  if (response.status !== 401 && response.status !== 403) {
    return null;
  }
  const { code } = await body(response);
  return code === 'no-access' ? code : 'signed-out';
}

/** Ask who provides documents on this server, or return null where our server extension is missing. */
export async function relay(fetch: Fetch): Promise<IRelay | null> {
  const response = await fetch('api/rtc_widgets', { method: 'GET' });
  if (!response.ok) {
    return null;
  }
  const value = await body(response);
  if (typeof value.release !== 'string') {
    return null;
  }
  return {
    release: value.release,
    provider: value.provider === 'other' ? 'other' : 'rtc_widgets',
    other: typeof value.other === 'string' ? value.other : null
  };
}
