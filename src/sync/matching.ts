import { equal, type KindContext } from '../model/kinds.ts';
import type { Entity, Values } from '../model/values.ts';
import { companyKey, compareCompanies } from './companies.ts';
import { phoneMarks } from './identity.ts';
import { isRoleMailbox, mailboxOf } from './mailboxes.ts';
import { cityOf, domainsOf, emailsOf, type PhoneMark, phonesOf, textOf } from './marks.ts';
import { comparePeople, type NameVerdict } from './names.ts';
import { isNameless, type Person, personOf } from './person.ts';
import type { MatchRule } from './policy.ts';

/** What the values of two records say about whether they are one person or company. */
export interface Evidence {
  /** `match`: one. `maybe`: only a person can tell. `none`: nothing says so, or something speaks against it. */
  readonly verdict: 'match' | 'maybe' | 'none';
  /** Larger is stronger, 0–799; every match is stronger than every maybe. To be compared between candidates only. */
  readonly strength: number;
  /** In words, without values: `same e-mail and name`. */
  readonly by: string;
}

const none: Evidence = { verdict: 'none', strength: 0, by: 'nothing in common' };

/**
 * Strengths, in steps that no bonus bridges where the order matters: an address typed alike says more than one that
 * only reaches the same mailbox, any address more than a telephone, which families and offices share.
 */
const strengths = {
  email: { same: 700, compatible: 650, unknown: 600 },
  desk: { same: 640, compatible: 590, unknown: 520 },
  mailbox: { same: 550, compatible: 500 },
  phone: { same: 450, compatible: 400 },
  domain: { same: 480, compatible: 430 },
  nameAndCity: 380,
  /** A second, independent sign: a number in common beside the address. */
  bonus: 30,
  /** Both have an address of their own, and another one: people do, but so do brothers. */
  otherEmail: -60,
} as const;

const maybeStrengths = { email: 300, desk: 260, mailbox: 270, domain: 250, nameAndHint: 220 } as const;

/**
 * Judges two records of an entity by their values; design.md §8. Symmetric. Only evidence of the kinds in `rules`
 * counts (cross-references are the caller's); the strongest decides. Contradicting names undo an address: a family's
 * mailbox and `info@` are several people.
 */
export function judge(
  entity: Entity,
  a: Values,
  b: Values,
  rules: readonly MatchRule[],
  context: KindContext = {},
): Evidence {
  if (entity === 'lead') return none;
  const found = entity === 'contact' ? judgeContacts(a, b, rules, context) : judgeAccounts(a, b, rules, context);
  return found.reduce((best, evidence) => (evidence.strength > best.strength ? evidence : best), none);
}

function judgeContacts(a: Values, b: Values, rules: readonly MatchRule[], context: KindContext): Evidence[] {
  const first = personOf(a);
  const second = personOf(b);
  const names = comparePeople(first, second);
  const phones = commonPhones(phonesOf(a, context), phonesOf(b, context));
  const found: Evidence[] = [];
  if (rules.includes('email')) {
    const bonus = phones.length > 0 ? strengths.bonus : 0;
    for (const address of commonAddresses(emailsOf(a), emailsOf(b))) {
      if (!isRoleMailbox(address.mailbox)) found.push(judgePersonal(address.isExact, names, bonus));
      else found.push(judgeDesk(names, isNameless(first), isNameless(second), companiesAgree(a, b), bonus));
    }
  }
  if (rules.includes('phone') && phones.some(({ digits }) => areFiledAlike(digits, first, second)))
    found.push(judgePhone(a, b, names, first, second));
  return found;
}

function areFiledAlike(digits: string, a: Person, b: Person): boolean {
  const marks = phoneMarks(digits, b);
  return phoneMarks(digits, a).some((mark) => marks.includes(mark));
}

function judgePersonal(isExact: boolean, names: NameVerdict, bonus: number): Evidence {
  const address = isExact ? 'same e-mail' : 'same mailbox (but for its tag or dots)';
  const maybe = isExact ? maybeStrengths.email : maybeStrengths.mailbox;
  switch (names) {
    case 'same':
    case 'compatible':
      return match(strengths[isExact ? 'email' : 'mailbox'][names] + bonus, `${address} and ${nameWords[names]}`);
    case 'unknown':
      return isExact
        ? match(strengths.email.unknown + bonus, `${address}, a name unknown`)
        : { verdict: 'maybe', strength: maybe, by: `${address}, a name unknown` };
    case 'unclear':
      return { verdict: 'maybe', strength: maybe, by: `${address}, but names agree in part only` };
    case 'different':
      return none;
  }
}

/** `info@` is no person: the names must speak. */
function judgeDesk(
  names: NameVerdict,
  isFirstNameless: boolean,
  isSecondNameless: boolean,
  companiesAgree: boolean,
  bonus: number,
): Evidence {
  if (names === 'same' || names === 'compatible')
    return match(strengths.desk[names] + bonus, `same shared mailbox and ${nameWords[names]}`);
  if (names !== 'unknown') return none;
  if (isFirstNameless && isSecondNameless)
    return companiesAgree ? match(strengths.desk.unknown + bonus, 'same shared mailbox, both without a name') : none;
  return { verdict: 'maybe', strength: maybeStrengths.desk, by: 'same shared mailbox, a name unknown' };
}

function judgePhone(a: Values, b: Values, names: NameVerdict, first: Person, second: Person): Evidence {
  const emails = [emailsOf(a), emailsOf(b)] as const;
  const haveOthers = emails.every((list) => list.length > 0) && commonAddresses(...emails).length === 0;
  const penalty = haveOthers ? strengths.otherEmail : 0;
  if (names === 'same' || names === 'compatible')
    return match(strengths.phone[names] + penalty, `same phone and ${nameWords[names]}`);
  // Records of a company's switchboard, without a person.
  const areCompanies = isNameless(first) && isNameless(second);
  return areCompanies && compareCompanies(textOf(a, 'company'), textOf(b, 'company')) === 'same'
    ? match(strengths.phone.compatible + penalty, 'same phone and company, both without a name')
    : none;
}

function companiesAgree(a: Values, b: Values): boolean {
  return compareCompanies(textOf(a, 'company'), textOf(b, 'company')) !== 'different';
}

function judgeAccounts(a: Values, b: Values, rules: readonly MatchRule[], context: KindContext): Evidence[] {
  const names = compareCompanies(textOf(a, 'name'), textOf(b, 'name'));
  const phones = commonPhones(phonesOf(a, context), phonesOf(b, context));
  const domains = domainsOf(a).filter((domain) => domainsOf(b).includes(domain));
  const cities = [cityOf(a), cityOf(b)] as const;
  const isElsewhere = cities[0] !== '' && cities[1] !== '' && cities[0] !== cities[1];
  const bonus = phones.length > 0 ? strengths.bonus : 0;
  const found: Evidence[] = [];
  if (rules.includes('email'))
    for (const { isExact } of commonAddresses(emailsOf(a), emailsOf(b)))
      found.push(judgePersonal(isExact, names, bonus));
  if (rules.includes('domain') && domains.length > 0) found.push(judgeDomain(names, isElsewhere, bonus));
  if (rules.includes('phone') && phones.length > 0 && (names === 'same' || names === 'compatible'))
    found.push(match(strengths.phone[names], `same phone and ${nameWords[names]}`));
  if (rules.includes('name') && names === 'same') {
    const isFiledAlike = companyKey(textOf(a, 'name')) === companyKey(textOf(b, 'name'));
    if (cities[0] !== '' && cities[0] === cities[1] && isFiledAlike)
      found.push(match(strengths.nameAndCity, 'same name and city'));
    else if (!isElsewhere && (domains.length > 0 || phones.length > 0))
      found.push({ verdict: 'maybe', strength: maybeStrengths.nameAndHint, by: 'same name, a city unknown' });
  }
  return found;
}

function judgeDomain(names: NameVerdict, isElsewhere: boolean, bonus: number): Evidence {
  if (names === 'same') return match(strengths.domain.same + bonus, 'same web domain and name');
  // "Acme Berlin" in Hamburg is a branch of Acme, if it is that.
  if (names === 'compatible' && !isElsewhere)
    return match(strengths.domain.compatible + bonus, 'same web domain and similar name');
  return { verdict: 'maybe', strength: maybeStrengths.domain, by: 'same web domain, but other names' };
}

const nameWords = { same: 'name', compatible: 'similar name' } as const;

/** How the words of evidence begin, and the rule by which it counts. */
const ruleWords: readonly (readonly [words: string, rule: MatchRule])[] = [
  ['same e-mail', 'email'],
  ['same mailbox', 'email'],
  ['same shared mailbox', 'email'],
  ['same phone', 'phone'],
  ['same web domain', 'domain'],
  ['same name', 'name'],
];

/** The rule without which evidence, in the words of `judge`, would not count; undefined: it is none of values. */
export function ruleBehind(evidence: string): MatchRule | undefined {
  return ruleWords.find(([words]) => evidence.startsWith(words))?.[1];
}

function match(strength: number, by: string): Evidence {
  return { verdict: 'match', strength, by };
}

interface CommonAddress {
  readonly mailbox: string;
  /** Both sides write it alike, without a difference in tag or dots. */
  readonly isExact: boolean;
}

function commonAddresses(a: readonly string[], b: readonly string[]): CommonAddress[] {
  return a.flatMap((address) => {
    const mailbox = mailboxOf(address)!;
    return b.filter((other) => mailboxOf(other) === mailbox).map((other) => ({ mailbox, isExact: other === address }));
  });
}

function commonPhones(a: readonly PhoneMark[], b: readonly PhoneMark[]): PhoneMark[] {
  return a.filter(({ number, digits }) =>
    b.some((other) => other.digits === digits && equal('phone', other.number, number)),
  );
}
