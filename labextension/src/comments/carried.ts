/** From the source of a Markdown cell to what is rendered of it, and back: by the letters and digits that both have. */

/** The letters and digits of a text, and where each of their units stands. */
interface IBare {
  readonly string: string;
  readonly places: readonly number[];
}

/** Return where what is from `start` to `end` of a source is in the text that is rendered of it, null for not there. */
export function rendered(
  source: string,
  start: number,
  end: number,
  text: string
): [number, number] | null {
  return carry(bare(hidden(source)), start, end, bare(text));
}

/** Return where in a source that is which stands from `start` to `end` of what is rendered of it, null for not there. */
export function written(
  text: string,
  start: number,
  end: number,
  source: string
): [number, number] | null {
  return carry(bare(text), start, end, bare(hidden(source)));
}

/** Blank what is not shown: where links lead to, and the numbers of lists. */
function hidden(source: string): string {
  const blank = (match: string) => ' '.repeat(match.length);
  return source
    .replace(/\]\([^()\n]*\)/g, blank)
    .replace(/^[ \t]*\d+[.)][ \t]/gm, blank);
}

function bare(text: string): IBare {
  let string = '';
  const places: number[] = [];
  for (const { 0: letter, index } of text.matchAll(/[\p{L}\p{N}]/gu)) {
    string += letter;
    for (let unit = 0; unit < letter.length; unit++) {
      places.push(index + unit);
    }
  }
  return { string, places };
}

/** Where the words are more often in one than in the other, it cannot be told which of them are meant. */
function carry(
  from: IBare,
  start: number,
  end: number,
  to: IBare
): [number, number] | null {
  const first = from.places.findIndex(at => at >= start);
  const behind = from.places.findIndex(at => at >= end);
  const words = from.string.slice(
    first < 0 ? from.string.length : first,
    behind < 0 ? undefined : behind
  );
  const here = occurrences(from.string, words);
  const there = occurrences(to.string, words);
  const at = there[here.indexOf(first)];
  if (!words || here.length !== there.length || at === undefined) {
    return null;
  }
  return [to.places[at]!, to.places[at + words.length - 1]! + 1];
}

function occurrences(text: string, words: string): number[] {
  const found: number[] = [];
  for (
    let at = words ? text.indexOf(words) : -1;
    at >= 0;
    at = text.indexOf(words, at + 1)
  ) {
    found.push(at);
  }
  return found;
}
