const timePart = /^(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const datePart = /^(\d{4})-(\d{2})-(\d{2})/;

/**
 * A day as `YYYY-MM-DD`, read from that form (a time behind it is cut off: a day has no zone), `YYYYMMDD`, `YYYY/MM/DD`
 * or `DD.MM.YYYY`. Undefined for anything else, also for `03/04/2020`, which has two readings.
 */
export function readDay(text: string): string | undefined {
  const iso = datePart.exec(text);
  if (iso) {
    const rest = text.slice(10);
    return rest === '' || (/^[T ]/i.test(rest) && timePart.test(rest.slice(1)))
      ? day(iso[1]!, iso[2]!, iso[3]!)
      : undefined;
  }
  const yearFirst = /^(\d{4})(\/?)(\d{2})\2(\d{2})$/.exec(text);
  if (yearFirst) return day(yearFirst[1]!, yearFirst[3]!, yearFirst[4]!);
  const dayFirst = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  return dayFirst ? day(dayFirst[3]!, dayFirst[2]!.padStart(2, '0'), dayFirst[1]!.padStart(2, '0')) : undefined;
}

/**
 * A moment as ISO 8601 in UTC with milliseconds, read from ISO 8601. Without a zone it is read as UTC, without a time
 * as midnight UTC; digits behind the milliseconds are cut off. Undefined for anything else.
 */
export function readMoment(text: string): string | undefined {
  // What most APIs send needs no taking apart.
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return isCalendar(text) ? text : undefined;
  const date = datePart.exec(text);
  if (!date || !day(date[1]!, date[2]!, date[3]!)) return undefined;
  const rest = text.slice(10);
  if (rest === '') return `${text}T00:00:00.000Z`;
  const time = /^[T ]/i.test(rest) ? timePart.exec(rest.slice(1)) : null;
  if (!time) return undefined;
  const [, hour, minute, second = '00', fraction = '', zone = 'Z'] = time;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const local = Date.parse(`${date[0]}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  const shifted = new Date(local - offsetMs(zone));
  const year = shifted.getUTCFullYear();
  return year < 0 || year > 9999 ? undefined : shifted.toISOString();
}

/** Whether two normal forms are one moment; when one side has no milliseconds, the second decides. */
export function sameMoment(a: string, b: string): boolean {
  if (a === b) return true;
  return (
    isMoment(a) && isMoment(b) && (a.endsWith('.000Z') || b.endsWith('.000Z')) && a.slice(0, 19) === b.slice(0, 19)
  );
}

function isMoment(text: string): boolean {
  return text.length === 24 && text.endsWith('Z');
}

function offsetMs(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** Whether a moment in normal form exists: 30 February and 24:00 do not. */
function isCalendar(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text;
}

/** The day, if the calendar has it. */
function day(year: string, month: string, date: string): string | undefined {
  const text = `${year}-${month}-${date}`;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : undefined;
}
