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
const LETTER = /^[\p{L}\p{N}_]/u;
/** In front of an `@` these make something else of it, an address for example. */
const BEFORE = /[\p{L}\p{N}_@/.]$/u;
/**
 * As rtc_widgets/documents/mentions.py has it: fences, to their end or that of the text; then code in a line, which an
 * empty line ends. A line begins behind "\n" and nothing else, in both languages.
 */
const CODE =
  /(?<![^\n]) {0,3}(`{3,}(?=[^`\n]*(?![^\n]))|~{3,})[^\n]*\n?[\s\S]*?(?:(?<![^\n]) {0,3}\1[`~]*[ \t]*(?![^\n])|(?![\s\S]))|(?<!`)(`+)(?!`)(?:[^\n]|\n(?![ \t]*\n))*?(?<!`)\2(?!`)/g;
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

/**
 * Return where in a text people are mentioned, by what they are called or by their user names; in order.
 *
 * Of two names that stand there the longer one is meant. What several are called is a user name before a name that is
 * shown, and of those the first user's. The same as in Python: both languages sit `tests/vectors/mentions.json`.
 */
export function mentionsAt(
  text: string,
  people: readonly Pick<IMentionable, 'user' | 'name'>[]
): { readonly user: string; readonly from: number; readonly to: number }[] {
  const found = [];
  let longest: ICalled[] | null = null;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    // Two units, for a letter beyond the first 65,536 has two.
    if (BEFORE.test(text.slice(Math.max(0, at - 2), at))) {
      continue;
    }
    longest ??= longestFirst(people);
    const who = longest.find(({ called }) => {
      const end = at + 1 + called.length;
      return (
        text.slice(at + 1, end).toLowerCase() === called &&
        !LETTER.test(text.slice(end, end + 2))
      );
    });
    if (who) {
      const to = at + 1 + who.called.length;
      found.push({ user: who.user, from: at, to });
    }
  }
  return found;
}

/** Return the user names of who is mentioned in a comment, each once, in order; what stands in code mentions nobody. */
export function mentionsIn(
  body: string,
  people: readonly Pick<IMentionable, 'user' | 'name'>[]
): string[] {
  const found = mentionsAt(body.replace(CODE, ' '), people);
  return [...new Set(found.map(({ user }) => user))];
}

interface ICalled {
  readonly user: string;
  /** In small letters. */
  readonly called: string;
}

function longestFirst(
  people: readonly Pick<IMentionable, 'user' | 'name'>[]
): ICalled[] {
  const users = [...people].sort((a, b) =>
    a.user < b.user ? -1 : a.user > b.user ? 1 : 0
  );
  return [
    ...users.map(({ user }) => ({ user, called: user.toLowerCase() })),
    ...users.map(({ user, name }) => ({ user, called: name.toLowerCase() }))
  ]
    .filter(({ called }) => called)
    .sort((a, b) => b.called.length - a.called.length);
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
