/** How a document stands: decided from facts and the time, without words and without a screen. */

import type { State } from '../provider';
import { mayWrite, type Role } from '../roles';
import type { IProblem } from '../text_view/text_state';

/** Why a document is not shared: nothing here is, another extension has it, or what the relay answered. */
export interface IWhyNot {
  /** `off`, `other`, `absent`, or a close code (docs/protocol.md, section 5). */
  readonly code: string;
  /** The other extension, or the relay's sentence. */
  readonly detail: string;
}

/** What the relay said about the file (section 3.5, `notice`). */
export interface INotice {
  readonly code: string;
  readonly message: string;
}

/** What is known of a shared document; times are milliseconds since the epoch. */
export interface IFacts {
  readonly state: State;
  /** Since when the state is what it is. */
  readonly since: number;
  readonly role: Role | null;
  /** Whether this computer has a network at all. */
  readonly isOnline: boolean;
  /** Whether the server is there but does not know this person any more. */
  readonly isSignedOut: boolean;
  /** Whether the server knows them, but lets them into the document, or in at all, no more. */
  readonly isBarred: boolean;
  /** Why it was ended for good. */
  readonly closed: { readonly code: string; readonly reason: string } | null;
  /** Changes that are not in the relay's log, and since when. */
  readonly pending: number;
  readonly pendingSince: number | null;
  /** Whether there is text among them that could be copied. */
  readonly hasText: boolean;
  /** Since when the file lacks something that the document has. */
  readonly dirtySince: number | null;
  readonly notice: INotice | null;
  /** Why the text of a notebook is none at the moment, and since when. */
  readonly invalid: {
    readonly problem: IProblem;
    readonly since: number;
  } | null;
  /** People who have it open, this one among them; 0 where that is not known. */
  readonly people: number;
  /** Whether the kernel takes part, null where no kernel could. */
  readonly kernel: boolean | null;
}

/** What is said first. */
export type Kind =
  | 'live'
  | 'connecting'
  | 'reconnecting'
  | 'offline'
  | 'signed-out'
  | 'no-access'
  | 'read-only'
  | 'closed';

/** How a document stands at one time. */
export interface IStanding {
  readonly kind: Kind;
  /** Changes not at the server and for how many seconds, where that takes longer than it should. */
  readonly unsent: { readonly count: number; readonly seconds: number } | null;
  /** For how many seconds the file has been behind, where that is longer than it should be. */
  readonly unsaved: number | null;
  /** Why the text is not in its notebook, where that lasts. */
  readonly problem: IProblem | null;
  /** When all this may be another, in milliseconds since the epoch; infinity where only facts change it. */
  readonly until: number;
}

/** Milliseconds for which a lost connection is on its way back; after that it is away. */
const PATIENCE = 10_000;
/** An acknowledgement takes at most a fifth of a second while all is well. */
const ACKNOWLEDGED = 5_000;
/** A save comes after 1 s of quiet, at the latest after 10. */
const SAVED = 15_000;

/** Who types JSON is on the way through many texts that are none. */
const TYPING = 800;

const AWAY: readonly Kind[] = [
  'reconnecting',
  'offline',
  'signed-out',
  'no-access'
];

/** Return how a document stands. */
export function stand(facts: IFacts, now: number): IStanding {
  const kind = kindOf(facts, now);
  const writes = !!facts.role && mayWrite(facts.role) && kind !== 'closed';
  const isAway = AWAY.includes(kind);
  const ends: number[] = [];
  const duration = (since: number | null, patience: number): number | null => {
    if (since === null || !writes) {
      return null;
    }
    if (now < since + patience) {
      ends.push(since + patience);
      return null;
    }
    const seconds = rounded((now - since) / 1000);
    ends.push(since + next(seconds) * 1000);
    return seconds;
  };
  const waiting = duration(facts.pendingSince, isAway ? 0 : ACKNOWLEDGED);
  const unsent =
    waiting === null ? null : { count: facts.pending, seconds: waiting };
  // Without a connection nothing is known of the file, and nobody needs to be told twice.
  const patience = facts.notice ? 0 : SAVED;
  // What was typed without a connection could not be saved before there was one.
  const dirty = facts.dirtySince && Math.max(facts.dirtySince, facts.since);
  const unsaved = isAway ? null : duration(dirty, patience);
  const invalid =
    kind === 'live' || kind === 'read-only' ? facts.invalid : null;
  const lasts = (invalid?.since ?? Infinity) + TYPING;
  const problem = invalid && now >= lasts ? invalid.problem : null;
  if (invalid && !problem) {
    ends.push(lasts);
  }
  if (kind === 'reconnecting') {
    ends.push(facts.since + PATIENCE);
  }
  return { kind, unsent, unsaved, problem, until: Math.min(Infinity, ...ends) };
}

function kindOf(facts: IFacts, now: number): Kind {
  const { state, role, since, isOnline, isSignedOut, isBarred } = facts;
  if (state === 'connecting' || state === 'offline') {
    if (isSignedOut) {
      return 'signed-out';
    }
    if (isBarred) {
      return 'no-access';
    }
  }
  switch (state) {
    case 'closed':
      return 'closed';
    case 'connecting':
      return 'connecting';
    case 'offline':
      return isOnline && now < since + PATIENCE ? 'reconnecting' : 'offline';
    case 'synced':
      return role && !mayWrite(role) ? 'read-only' : 'live';
  }
}

/** Round down to what is worth telling: 5 s, later a minute, later an hour. */
function rounded(seconds: number): number {
  const step = stepAt(seconds);
  return Math.floor(seconds / step) * step;
}

function next(seconds: number): number {
  return seconds + stepAt(seconds);
}

function stepAt(seconds: number): number {
  return seconds < 60 ? 5 : seconds < 3600 ? 60 : 3600;
}
