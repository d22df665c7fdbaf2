/** How authors look, and what to call them: as the server knows them, for here anybody may say anything of themselves. */

import { identify, type IIdentity } from '../presence/identity';
import type { Words } from './shared';
import type { IAuthor } from './threads';

/** What is known of people. */
export interface IKnownPeople {
  /** Whoever annotated the document, as the relay wrote it down, by user name. */
  readonly people: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** This person, as the server has it. */
  readonly me: Readonly<Record<string, unknown>>;
  /** What the others who are here say of themselves: of that only a colour is believed. */
  readonly here: readonly Pick<IIdentity, 'username' | 'color' | 'isKernel'>[];
}

/** Return how an author looks. */
export function lookOf(
  { user, kind, name, claimed }: IAuthor,
  { people, me, here }: IKnownPeople
): IIdentity {
  if (claimed || kind === 'kernel') {
    // A file may name anybody: that is no reason for a picture.
    const username = claimed ? name : user;
    return identify(0, { user: { username, name }, kind });
  }
  const known = me['username'] === user ? me : people.get(user);
  const look = identify(0, {
    user: { display_name: name, ...known, username: user }
  });
  const seen = here.find(who => !who.isKernel && who.username === user);
  return { ...look, color: seen?.color ?? look.color };
}

/** Return what to call an author, by a name. */
export function called(
  { kind, claimed, name: own }: IAuthor,
  trans: Words,
  name = own
): string {
  if (claimed) {
    return trans.__('%1, says the file', name);
  }
  return kind === 'kernel' && !/kernel/i.test(name)
    ? trans.__('%1 (kernel)', name)
    : name;
}
