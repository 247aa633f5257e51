import { skeleton } from './spelling.ts';

/**
 * Short forms that share no beginning with their name (Alex and Alexander need no table), and spellings too far apart
 * for a typing error. Only those that mean one name: Alex, Chris, Sam mean several. Folded.
 */
const families: Readonly<Record<string, string>> = {
  robert: 'bob bobby rob robbie bert',
  william: 'bill billy willy liam',
  richard: 'dick rick ricky',
  james: 'jim jimmy jamie',
  john: 'jack johnny',
  margaret: 'peggy maggie meg',
  elizabeth: 'liz lizzie beth betty bess lisbeth',
  katherine: 'kate katie kathy kitty catherine kathrin katrin',
  edward: 'ted ned eddie',
  henry: 'hank harry',
  charles: 'chuck charlie',
  michael: 'mike mick mickey',
  anthony: 'tony',
  thomas: 'tom tommy',
  stephen: 'steven steve',
  joseph: 'joe joey',
  david: 'dave davy',
  daniel: 'dan danny',
  andrew: 'andy drew',
  philip: 'phil phillip',
  lawrence: 'larry laurence',
  theodore: 'theo teddy',
  dorothy: 'dot dottie',
  susan: 'sue susie',
  deborah: 'debbie deb',
  barbara: 'barb babs',
  patricia: 'patty trish',
  jennifer: 'jenny jen',
  rebecca: 'becky',
  victoria: 'vicky tori',
  sebastian: 'basti',
  johannes: 'hannes hans',
  wolfgang: 'wolf',
  heinrich: 'heinz',
  josef: 'sepp',
  matthias: 'mathias',
  francisco: 'paco pancho',
  jose: 'pepe',
  ignacio: 'nacho',
  guillermo: 'memo',
  aleksandr: 'sasha',
  dmitriy: 'dima dmitry dmitri',
  vladimir: 'vova volodya',
  nikolay: 'kolya nikolai',
  yekaterina: 'katya ekaterina',
  giuseppe: 'beppe peppe',
  luigi: 'gigi',
};

const fullNames = new Map(
  Object.entries(families).flatMap(([name, short]) =>
    short.split(' ').map((nickname) => [skeleton(nickname), skeleton(name)] as const),
  ),
);

/** The full name behind a short form; a name that is none, as it is. Both skeletons. */
export function fullName(given: string): string {
  return fullNames.get(given) ?? given;
}
