/**
 * `${NAME}` and `${NAME:-default}` in the texts of a configuration file.
 *
 * They are resolved in parsed scalars and never in the text of the file, so that a value from the environment cannot
 * change the file's structure. YAML itself would stop at the braces where the surrounding mapping is written
 * in braces too, `{ showroom: ${SECRET} }`. Hence two steps: before parsing, the characters of every reference are
 * exchanged for private ones that mean nothing to YAML, one for one, so that positions stay true; afterwards they
 * are changed back and resolved.
 */
// Every length is limited: many beginnings without an end would otherwise each be searched to the end of the file.
const reference = /\$\{[A-Za-z_][A-Za-z0-9_]{0,199}(?::-[^}\r\n]{0,1000})?\}/g;
const hiddenBase = 0xe000;
const hiddenReference = /\uE024\uE07B[^\uE07D]{1,1202}\uE07D/g;

/** Hides references from the YAML parser. The result has the same length. */
export function hideReferences(text: string): string {
  return text.replace(reference, (found) =>
    found.replace(/[\u0020-\u007e]/g, (char) => String.fromCharCode(hiddenBase + char.charCodeAt(0))),
  );
}

/** Undoes `hideReferences` in any part of the text. */
export function showReferences(text: string): string {
  return text.replace(hiddenReference, (found) =>
    found.replace(/[\ue020-\ue07e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - hiddenBase)),
  );
}

/** A text after its references were resolved. */
export interface Interpolated {
  readonly value: string;
  /** Whether anything came from the environment. */
  readonly referred: boolean;
  /** Whether a default that is written out in the file was used. */
  readonly defaulted: boolean;
  /** Names that the environment lacks and that have no default. */
  readonly missing: readonly string[];
  /** `${` that begins no reference, with its offset in the text. */
  readonly malformed: boolean;
}

/** Resolves the references of one text. `${NAME:-default}` takes the default where NAME is not set or empty; `$${` stands for `${`. */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const missing: string[] = [];
  let referred = false;
  let defaulted = false;
  let malformed = false;
  const value = text.replace(
    /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]{0,199})(?::-([^}\r\n]{0,1000}))?\}|\$\{/g,
    (found: string, name: string | undefined, fallback: string | undefined) => {
      if (found === '$${') return '${';
      if (name === undefined) {
        malformed = true;
        return found;
      }
      const set = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined && (set === undefined || set === '')) {
        defaulted ||= fallback !== '';
        referred = true;
        return fallback;
      }
      if (set === undefined) missing.push(name);
      referred = true;
      return set ?? '';
    },
  );
  return { value, referred, defaulted, missing, malformed };
}

/** The text as it may be shown: names of variables, but neither their values nor their defaults. */
export function withoutDefaults(text: string): string {
  return text.replace(/(\$\{[A-Za-z_][A-Za-z0-9_]{0,199}):-[^}\r\n]{0,1000}\}/g, '$1:-…}');
}
