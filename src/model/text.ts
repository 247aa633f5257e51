const tidyAlready = /^[!-~]+(?: [!-~]+)*$/;
const lineBreak = /[\n\r\u2028\u2029]/;

/**
 * Plain text in normal form: NFC, trimmed, every inner run of white space one space, or one line break where the run
 * holds one (so CRLF = LF, and a paragraph is no change of words). Case is kept: a person who changes it made an edit.
 */
export function tidy(text: string): string {
  const trimmed = text.trim();
  // Nearly every value a CRM holds is tidy ASCII; the test costs a tenth of the work.
  if (tidyAlready.test(trimmed)) return trimmed;
  return trimmed.normalize('NFC').replace(/\s{2,}|[^\S ]/g, (run) => (lineBreak.test(run) ? '\n' : ' '));
}

/** Text for comparisons in which case says nothing: tidy and lower-case. */
export function caseless(text: string): string {
  // Lower-casing can break a composition up (İ), hence NFC again.
  return tidy(tidy(text).toLowerCase());
}
