/** Tells the people in a document apart by colour: no two have the same of JupyterLab's, as long as there are enough. */

import { type ISignal, Signal } from '@lumino/signaling';
import type { Awareness } from 'y-protocols/awareness';
import { COLORS, identify, isRecord, numberOf, themes } from './identity';

/** What a page says where the server knows no colour: its browser drew it by lot. */
const DRAWN = /^var\(--jp-collaborator-color([1-7])\b/;

type State = Readonly<Record<string, unknown>>;

/** One participant, with all its clients. */
interface IOwner {
  readonly username: string;
  readonly clients: number[];
  /** Empty where nobody chose one. */
  readonly chosen: string;
  /** Which of the theme's it would have, were it alone. */
  readonly wish: number;
}

/**
 * Return each client's colour, as CSS has it.
 *
 * One that was chosen stays. The Python side tells people apart in the same way: tests/vectors/colors.json.
 */
export function colors(
  states: ReadonlyMap<number, State>
): Map<number, string> {
  const found = new Map<number, string>();
  const taken = new Set<number>();
  const give = ({ clients, chosen }: IOwner, number: number) => {
    if (!chosen) {
      taken.add(number);
    }
    clients.forEach(client => found.set(client, chosen || themes(number)));
  };
  const late = owners(states).filter(owner => {
    const mustWait = !owner.chosen && taken.has(owner.wish);
    if (!mustWait) {
      give(owner, owner.wish);
    }
    return mustWait;
  });
  for (const owner of late) {
    let number = owner.wish;
    for (let tries = 1; tries < COLORS && taken.has(number); tries++) {
      number = (number % COLORS) + 1;
    }
    give(owner, taken.has(number) ? owner.wish : number);
  }
  return found;
}

/** Return the participants in an order that is the same for all who know them. */
function owners(states: ReadonlyMap<number, State>): IOwner[] {
  const clients = [...states.keys()].sort((a, b) => a - b);
  const found = new Map<string, IOwner>();
  for (const client of clients) {
    const state = states.get(client)!;
    const { username, isKernel } = identify(client, state);
    const key = isKernel ? `kernel ${client}` : `person ${username}`;
    const before = found.get(key);
    const said = saidIn(state);
    const drawn = DRAWN.exec(said)?.[1];
    found.set(key, {
      username,
      clients: [...(before?.clients ?? []), client],
      chosen: before?.chosen || (drawn ? '' : said),
      wish: before?.wish ?? (drawn ? Number(drawn) : numberOf(username))
    });
  }
  return [...found.values()].sort((one, other) =>
    one.username === other.username
      ? one.clients[0]! - other.clients[0]!
      : one.username < other.username
        ? -1
        : 1
  );
}

function saidIn({ user }: State): string {
  const color = isRecord(user) ? user['color'] : '';
  return typeof color === 'string' ? color.trim() : '';
}

/** Keep the colours in one awareness. */
export class Colors {
  /** Return the one of an awareness. */
  static of(awareness: Awareness): Colors {
    let found = all.get(awareness);
    if (!found) {
      found = new Colors(awareness);
      all.set(awareness, found);
    }
    return found;
  }

  private constructor(awareness: Awareness) {
    const states = awareness.getStates();
    awareness.on('change', (changes: Record<string, number[]>) => {
      // Cursors move often, and who is here changes seldom.
      const isNews = Object.values(changes)
        .flat()
        .some(client => said(states.get(client)) !== this._said.get(client));
      if (isNews) {
        this._look(states);
      }
    });
    this._look(states);
  }

  /** These clients have another colour than before. */
  get changed(): ISignal<this, readonly number[]> {
    return this._changed;
  }

  /** Return the colour of a client that is here. */
  get(client: number): string {
    return this._colors.get(client) ?? themes(1);
  }

  private _look(states: ReadonlyMap<number, State>): void {
    const before = this._colors;
    this._colors = colors(states);
    this._said = new Map(
      [...states].map(([client, state]) => [client, said(state)])
    );
    const other = [...this._colors].filter(
      ([client, color]) => before.get(client) !== color
    );
    this._changed.emit(other.map(([client]) => client));
  }

  private readonly _changed = new Signal<this, readonly number[]>(this);
  private _colors: ReadonlyMap<number, string> = new Map();
  private _said: ReadonlyMap<number, string | undefined> = new Map();
}

/** What of a state has to do with colours. */
function said(state: State | undefined): string | undefined {
  return state && JSON.stringify([state['user'], state['kind']]);
}

const all = new WeakMap<Awareness, Colors>();
