import type { KindName } from '../../model/kinds.ts';
import type { Value } from '../../model/values.ts';

/**
 * A made-up value of a kind, another one for each `n` up to 99; neighbours differ for every kind. Undefined where only
 * the CRM, or another record, can tell what there is.
 */
export function sampleValue(kind: KindName, n: number): Value | undefined {
  const two = String(n % 100).padStart(2, '0');
  const day = String(1 + (n % 28)).padStart(2, '0');
  const one = (...values: readonly [string, string, string]): string => values[n % 3] as string;
  switch (kind) {
    case 'text':
      return `Sample ${n}`;
    case 'email':
      return `sample.${n}@example.com`;
    case 'phone':
      return `+1 604 555 01${two}`;
    case 'country':
      return one('Canada', 'Netherlands', 'Romania');
    case 'region':
      return one('Ontario', 'Alberta', 'Manitoba');
    case 'language':
      return one('en', 'fr', 'nl');
    case 'currency':
      return one('CAD', 'EUR', 'RON');
    case 'date':
      return `1980-05-${day}`;
    case 'dateTime':
      return `2030-05-${day}T10:00:00Z`;
    case 'money':
      return `${n}00.5`;
    case 'boolean':
      return n % 2 === 0;
    case 'url':
      return `https://www.example.com/${n}`;
    case 'tags':
      return [`tag ${n}`, 'everybody'];
    case 'reference':
    case 'option':
      return undefined;
    default:
      return kind satisfies never;
  }
}
