/** Who is here and where: participants, each with all their tabs, from awareness states (docs/protocol.md, section 3.3). */

import { colors } from './colors';
import { identify, type IIdentity, isRecord } from './identity';

/** What a client says of itself. */
export type State = Readonly<Record<string, unknown>>;

/** One place where a participant is, or to which it points. */
export interface IPlace {
  /** The cell's id. */
  readonly cell: string;
  readonly kind: 'here' | 'running' | 'pointing';
  /** What it says there. */
  readonly text: string;
}

/** One participant: a person with all their tabs, or a kernel. */
export interface IParticipant extends IIdentity {
  /** Names this participant among the others of a document. */
  readonly key: string;
  /** Whether it is this person, in another tab. */
  readonly isMe: boolean;
  readonly clients: readonly number[];
  /** The latest in front; what is pointed to before what is run. */
  readonly places: readonly IPlace[];
  readonly status: string;
}

/** Characters of a status and of what is pointed out that are shown. */
const LONGEST = 200;

/**
 * Return who else is here: people in the order in which they came, then kernels.
 *
 * @param states by client, in the order in which they came.
 * @param me this tab's client.
 * @param now seconds since the epoch.
 * @param lately the clients that moved, the latest in front.
 */
export function people(
  states: ReadonlyMap<number, State>,
  me: number,
  now: number,
  lately: readonly number[] = []
): IParticipant[] {
  const mine = states.get(me);
  const myName = mine && identify(me, mine).username;
  const paint = colors(states);
  const found = new Map<string, IParticipant>();
  const order = [...states.keys()].filter(client => client !== me);
  for (const client of order) {
    const state = states.get(client)!;
    const who = identify(client, state);
    if (isText(state['view']) && !who.isKernel && who.username === myName) {
      // The same notebook in another of this person's editors is nobody else.
      continue;
    }
    // Two kernels are two participants, two tabs of a person are one.
    const key = who.isKernel ? `${who.username}-${client}` : who.username;
    const isMe = !who.isKernel && who.username === myName;
    const clients = [...(found.get(key)?.clients ?? []), client];
    const color = paint.get(client)!;
    const nowhere = { places: [], status: '' };
    found.set(key, { ...who, key, color, isMe, clients, ...nowhere });
  }
  const participants = [...found.values()].map(who => {
    const rank = (client: number) => (lately.indexOf(client) + 1 || 1e9) - 1;
    const sorted = [...who.clients].sort((a, b) => rank(a) - rank(b));
    const said = sorted.map(client => states.get(client)!);
    const status = said.map(({ status }) => status).find(isText) ?? '';
    return {
      ...who,
      status: status.slice(0, LONGEST),
      places: said.flatMap(state => places(state, who.isKernel, now))
    };
  });
  return [
    ...participants.filter(({ isKernel }) => !isKernel),
    ...participants.filter(({ isKernel }) => isKernel)
  ];
}

/** Return when, in seconds since the epoch, the next pointer expires; infinity for none. */
export function nextExpiry(
  states: ReadonlyMap<number, State>,
  now: number
): number {
  const ends = [...states.values()].map(({ pointer }) =>
    isRecord(pointer) && typeof pointer['until'] === 'number'
      ? pointer['until']
      : Infinity
  );
  return Math.min(Infinity, ...ends.filter(end => end > now));
}

function places(state: State, isKernel: boolean, now: number): IPlace[] {
  const { pointer } = state;
  const found: IPlace[] = [];
  if (isRecord(pointer) && isText(pointer['cell'])) {
    const { cell, text, until } = pointer;
    if (typeof until !== 'number' || until > now) {
      const words = isText(text) ? text.slice(0, LONGEST) : '';
      found.push({ cell, kind: 'pointing', text: words });
    }
  }
  const cell = isKernel ? state['cell'] : state['activeCell'];
  if (isText(cell)) {
    found.push({ cell, kind: isKernel ? 'running' : 'here', text: '' });
  }
  return found;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
