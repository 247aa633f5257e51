const yes = new Set(['true', '1', 'yes', 'y', 'on', 'oui', 'ja', 'si', 'sí', 'sim', 'tak', 'да']);
const no = new Set(['false', '0', 'no', 'n', 'off', 'non', 'nein', 'nee', 'não', 'nie', 'нет']);

/** Yes or no in one of the spellings CRMs and people use. Undefined for anything else. */
export function readBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  return yes.has(word) ? true : no.has(word) ? false : undefined;
}
