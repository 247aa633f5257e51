import { UsageError } from './failure.ts';
import { count, counted } from './table.ts';

/** Ids in the order in which they were given, each once, with the line on which it stood first. */
export type IdList = ReadonlyMap<string, number>;

/** They are held in memory: a million take about 100 MB. */
const mostIds = 2_000_000;
const longestId = 200;
/** Faults that are told, of all that there are. */
const mostFaults = 20;

/**
 * Reads a list of ids: UTF-8 text, one id on each line; blank lines and lines that start with `#` say nothing. The whole
 * list is checked before it is used.
 *
 * @param source pieces of the file
 * @param name of the file, for messages
 * @throws UsageError with the faults, by line; what stands on a faulty line may be personal data and is not told
 */
export async function readIdList(source: AsyncIterable<Uint8Array>, name: string): Promise<IdList> {
  const ids = new Map<string, number>();
  const faults: string[] = [];
  let faulty = 0;
  let number = 0;
  for await (const line of linesOf(source, name)) {
    number += 1;
    const id = line.trim();
    if (id === '' || id.startsWith('#')) continue;
    const came = faultOf(id);
    if (came !== undefined) {
      faulty += 1;
      if (faulty <= mostFaults) faults.push(`${name}:${number}: expected one id and nothing else, came ${came}`);
    } else if (!ids.has(id)) ids.set(id, number);
    if (ids.size > mostIds)
      throw new UsageError(
        `${name}: holds more than ${count(mostIds)} ids: split it, and import the parts one after another; nothing was imported`,
      );
  }
  if (faulty > mostFaults) faults.push(`${name}: … and ${counted(faulty - mostFaults, 'line')} more`);
  if (faulty > 0) throw new UsageError([...faults, `${counted(faulty, 'fault')}; nothing was imported`].join('\n'));
  if (ids.size === 0) throw new UsageError(`${name}: expected one id on each line, came none`);
  return ids;
}

/** @returns what a line holds that is no id */
function faultOf(line: string): string | undefined {
  if (line.length > longestId) return `a text of ${counted(line.length, 'character')}`;
  if (/[,;\t]/.test(line)) return 'several columns; of a table, give the column of ids alone';
  if (/\s/.test(line)) return 'several words';
  if (/["'`]/.test(line)) return 'an id in quotation marks';
  if (/\p{C}/u.test(line)) return 'an invisible character';
  return /^\.+$/.test(line) ? 'dots' : undefined;
}

/** The lines of a text that comes in pieces. @throws UsageError when it is no text */
async function* linesOf(source: AsyncIterable<Uint8Array>, name: string): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decoded = (piece?: Uint8Array) => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
    } catch {
      throw new UsageError(`${name}: expected UTF-8 text, came something else; nothing was imported`);
    }
  };
  let rest = '';
  for await (const piece of source) {
    const lines = (rest + decoded(piece)).split('\n');
    rest = lines.pop() ?? '';
    // What is no list, for example one very long line, must not fill the memory.
    if (rest.length > 100 * longestId)
      throw new UsageError(`${name}: expected one id on each line, came a line without an end; nothing was imported`);
    yield* lines;
  }
  rest += decoded();
  if (rest !== '') yield rest;
}
