import type { Io } from './io.ts';

/** One answer that can be chosen. */
export interface Choice<Value> {
  readonly value: Value;
  readonly label: string;
  readonly hint?: string;
}

/** Questions to a person. Each throws an `AbortError` when the person ends the conversation. */
export interface Asker {
  /** @param check what is wrong with an answer; undefined: nothing */
  text(question: string, offered: string, check: (answer: string) => string | undefined): Promise<string>;
  choose<Value>(question: string, choices: readonly Choice<Value>[], offered?: Value): Promise<Value>;
  chooseSome<Value>(question: string, choices: readonly Choice<Value>[], least: 0 | 1): Promise<readonly Value[]>;
  confirm(question: string, offered: boolean): Promise<boolean>;
  /** Says something between two questions. */
  tell(message: string, kind?: 'good' | 'bad'): void;
  /** Shows some lines under a title. */
  show(title: string, lines: readonly string[]): void;
}

/** Whether a person sits at both ends: what is asked is seen, and can be answered. */
export function isConversation({ stdin, stdout }: Io): boolean {
  return stdout.isTerminal && 'isTTY' in stdin && stdin.isTTY === true;
}

/** Asks at the terminal of this process. Only where `isConversation`. */
export async function askAtTerminal(title: string): Promise<Asker> {
  const clack = await import('@clack/prompts');
  const answered = <Value>(answer: Value | typeof clack.CANCEL_SYMBOL): Value => {
    if (!clack.isCancel(answer)) return answer as Value;
    throw new DOMException('stopped by you', 'AbortError');
  };
  const options = <Value>(choices: readonly Choice<Value>[]) =>
    choices as Parameters<typeof clack.select<Value>>[0]['options'];
  clack.intro(title);
  return {
    text: async (message, offered, check) =>
      answered(
        await clack.text({ message, initialValue: offered, validate: (answer) => check((answer ?? '').trim()) }),
      ).trim(),
    choose: async (message, choices, offered) =>
      answered(
        await clack.select({
          message,
          options: options(choices),
          ...(offered !== undefined && { initialValue: offered }),
        }),
      ),
    chooseSome: async (message, choices, least) =>
      answered(await clack.multiselect({ message, options: options(choices), required: least > 0 })),
    confirm: async (message, offered) => answered(await clack.confirm({ message, initialValue: offered })),
    tell(message, kind) {
      if (kind === undefined) clack.log.info(message);
      else if (kind === 'good') clack.log.success(message);
      else clack.log.warn(message);
    },
    show: (heading, lines) => clack.note(lines.join('\n'), heading),
  };
}
