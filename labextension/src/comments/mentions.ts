/** Who is mentioned: `@` and a name, completed while it is typed. Pure. */

/** Somebody who can be mentioned. */
export interface IMentionable {
  readonly user: string;
  /** What stands behind the `@`. */
  readonly name: string;
  readonly color: string;
  readonly initials: string;
  readonly picture: string;
  /** Whether they are here now. */
  readonly isHere: boolean;
}

/** What is being typed behind an `@`. */
export interface IQuery {
  /** Where the `@` is. */
  readonly from: number;
  readonly text: string;
}

/** Suggestions at a time. */
const MOST = 6;
const LETTER = /[\p{L}\p{N}_]/u;
/** Characters behind an `@` in which a name is looked for. */
const LONGEST = 40;

/** Return what is typed behind the last `@` before the caret, null where no name is being typed. */
export function queryAt(text: string, caret: number): IQuery | null {
  const before = text.slice(Math.max(0, caret - LONGEST), caret);
  const found = /(?:^|[\s([{"'*_>])@([^@\n]*)$/u.exec(before);
  const typed = found?.[1];
  // A name is of several words; behind two blanks, or a blank alone, it is none.
  if (typed === undefined || /^\s|\s\s/.test(typed)) {
    return null;
  }
  return { from: caret - typed.length - 1, text: typed };
}

/** Return who fits what is typed: those who are here first, whose name begins so before the others. */
export function suggest(
  people: readonly IMentionable[],
  query: string
): IMentionable[] {
  const wanted = fold(query);
  const rank = ({ name, user, isHere }: IMentionable) => {
    const called = fold(name);
    const begins = called.startsWith(wanted) ? 0 : 2;
    const fits =
      called.split(/\s+/).some(word => word.startsWith(wanted)) ||
      called.startsWith(wanted) ||
      fold(user).startsWith(wanted);
    return fits ? begins + (isHere ? 0 : 1) : -1;
  };
  return people
    .map(who => ({ who, rank: rank(who) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST)
    .map(({ who }) => who);
}

/** Return where in a text people are mentioned, by what they are called or by their user names; in order. */
export function mentionsAt(
  text: string,
  people: readonly Pick<IMentionable, 'user' | 'name'>[]
): { readonly user: string; readonly from: number; readonly to: number }[] {
  // Of Ann and Ann Lee the longer one is meant.
  const longest = people
    .flatMap(({ user, name }) => [name, user].map(called => ({ user, called })))
    .filter(({ called }) => called)
    .sort((a, b) => b.called.length - a.called.length);
  const found = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const rest = text.slice(at + 1);
    const who = longest.find(({ called: { length }, called }) => {
      const next = rest.slice(length, length + 1);
      const there = rest.slice(0, length).toLowerCase();
      return there === called.toLowerCase() && !LETTER.test(next);
    });
    if (who && !LETTER.test(text.slice(at - 1, at))) {
      const to = at + 1 + who.called.length;
      found.push({ user: who.user, from: at, to });
    }
  }
  return found;
}

/** Return the user names of who is mentioned in a text. */
export function mentionsIn(
  text: string,
  people: readonly Pick<IMentionable, 'user' | 'name'>[]
): string[] {
  return [...new Set(mentionsAt(text, people).map(({ user }) => user))];
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
