/** A regular expression that takes time in proportion to the text, whatever the text: no value of a CRM can stall a run. */
export interface Pattern {
  readonly source: string;
  /** Whether it is found anywhere in the text; `^` and `$` stand for its ends. */
  test(text: string): boolean;
}

/** Of a longer text only its beginning is looked at. */
const longestText = 10_000;
/** States that a pattern may have: `x{500}` has five hundred. */
const mostStates = 500;

/** One character, a place between two, or what is made of these. */
type Node =
  | { readonly is: 'character'; readonly fits: (character: string) => boolean }
  | { readonly is: 'place'; readonly fits: (before: string | undefined, after: string | undefined) => boolean }
  | { readonly is: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly is: 'repeated'; readonly of: Node; readonly least: number; readonly most: number };

/** A step of the machine: `next` follows a character or a place that fits, `either` are ways that cost nothing. */
type State =
  | { readonly node: Extract<Node, { is: 'character' | 'place' }>; readonly next: number }
  | { readonly either: readonly number[] }
  | 'found';

/**
 * Makes a pattern of a regular expression in JavaScript's syntax with the flag `u`: characters, classes, groups, choices,
 * repetitions, `^`, `$`, `\b`, and `(?i:…)`, in which case says nothing. No backtracking: the text is read once, with all
 * ways to read it side by side. What cannot be had so (looking around, referring back) is refused.
 * @throws RangeError in words that fit behind "expected", not naming the text
 */
export function compilePattern(source: string): Pattern {
  try {
    new RegExp(source, 'u');
  } catch {
    throw new RangeError('a regular expression as JavaScript reads it with the flag u');
  }
  const states: State[] = ['found'];
  const start = build(new Reader(source).choice(false), 0, states);
  return { source, test: (text) => isFound(states, start, text) };
}

/** Reads a regular expression that is known to be well-formed. */
class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  choice(isCaseless: boolean): Node {
    const ways = [this.#sequence(isCaseless)];
    while (this.#take(/\|/y)) ways.push(this.#sequence(isCaseless));
    return ways.length === 1 ? ways[0]! : { is: 'choice', of: ways };
  }

  #sequence(isCaseless: boolean): Node {
    const of: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      const node = this.#atom(isCaseless);
      const times = this.#take(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y);
      of.push(times ? repeated(node, times) : node);
    }
    return { is: 'sequence', of };
  }

  #atom(isCaseless: boolean): Node {
    const group = this.#take(/\((?:\?(?:<(?![=!])[^>]*>|(i?):))?/y);
    if (group) {
      if (this.#take(/\?/y)) throw new RangeError('a regular expression that does not look around');
      const inner = this.choice(isCaseless || group[1] === 'i');
      this.#take(/\)/y);
      return inner;
    }
    const place = this.#take(/\^|\$|\\[bB]/y);
    if (place) return { is: 'place', fits: places[place[0] as keyof typeof places] };
    if (this.#take(/\\(?:[1-9]|k<)/y)) throw new RangeError('a regular expression that does not refer back');
    const one = this.#take(
      /\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|u[dD][89abAB]..\\u....|u....|x..|c.|[pP]\{[^}]*\}|.)|./suy,
    )!;
    // As it stands it is one character, whose test takes no longer for any of them.
    const character = new RegExp(`^(?:${one[0]})$`, isCaseless ? 'iu' : 'u');
    return { is: 'character', fits: (given) => character.test(given) };
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#source);
    if (taken) this.#at += taken[0].length;
    return taken;
  }
}

const isWordlike = (character: string | undefined) => character !== undefined && /^\w$/.test(character);
const places = {
  '^': (before: string | undefined) => before === undefined,
  $: (_before: string | undefined, after: string | undefined) => after === undefined,
  '\\b': (before: string | undefined, after: string | undefined) => isWordlike(before) !== isWordlike(after),
  '\\B': (before: string | undefined, after: string | undefined) => isWordlike(before) === isWordlike(after),
};

function repeated(of: Node, [, sign, least, comma, most]: RegExpExecArray): Node {
  if (sign)
    return { is: 'repeated', of, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
  const from = Number(least);
  return { is: 'repeated', of, least: from, most: most ? Number(most) : comma ? Number.POSITIVE_INFINITY : from };
}

/** Adds the states of a node that goes on at `next`. @returns where it begins */
function build(node: Node, next: number, states: State[]): number {
  const put = (state: State): number => {
    if (states.length >= mostStates) throw new RangeError('a shorter regular expression, or one that repeats less');
    return states.push(state) - 1;
  };
  switch (node.is) {
    case 'character':
    case 'place':
      return put({ node, next });
    case 'sequence':
      return node.of.reduceRight((after, one) => build(one, after, states), next);
    case 'choice':
      return put({ either: node.of.map((one) => build(one, next, states)) });
    case 'repeated': {
      let start = next;
      if (node.most === Number.POSITIVE_INFINITY) {
        const ways: number[] = [next];
        start = put({ either: ways });
        ways.push(build(node.of, start, states));
      } else
        for (let more = node.least; more < node.most; more += 1)
          start = put({ either: [next, build(node.of, start, states)] });
      for (let more = 0; more < node.least; more += 1) start = build(node.of, start, states);
      return start;
    }
  }
}

function isFound(states: readonly State[], start: number, text: string): boolean {
  const characters = [...text.slice(0, longestText)];
  let now = new Set<number>();
  for (let at = 0; at <= characters.length; at += 1) {
    // It may begin anywhere.
    now.add(start);
    const after = characters[at];
    const reached = new Set<number>();
    // A set can grow while it is walked through: what is added comes to its turn.
    for (const number of now) {
      const state = states[number]!;
      if (state === 'found') return true;
      if ('either' in state) for (const way of state.either) now.add(way);
      else if (state.node.is === 'place') {
        if (state.node.fits(characters[at - 1], after)) now.add(state.next);
      } else if (after !== undefined && state.node.fits(after)) reached.add(state.next);
    }
    now = reached;
  }
  return false;
}
