import type { Delivery, Store } from '../../store/store.ts';

type Outcome = 'stored' | 'repeated';

interface Waiting {
  readonly delivery: Delivery;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Hints in one transaction, at most, but for one delivery that has more: others want to write, too. */
const mostHints = 10_000;

/**
 * How long a group waits for its like, milliseconds: a transaction's price is the wait for the disk, whatever is in it.
 * Only while as many came with the last one: a delivery that comes alone does not wait.
 */
const gatherMs = 5;

/**
 * Puts deliveries into the inbox. Those that come in the same moment, or while the store is busy with others, share one
 * transaction and one wait for the disk.
 * @param onStored called after each transaction that stored something; does not throw
 * @returns takes a delivery; resolves when it is durable, rejects with the store's error when it is not
 */
export function openIntake(store: Pick<Store, 'receive'>, onStored: () => void) {
  const waiting: Waiting[] = [];
  let state: 'idle' | 'gathering' | 'at work' = 'idle';
  let gathering: NodeJS.Timeout | undefined;
  /** How many the last group had. */
  let expected = 1;

  const nextGroup = (): readonly Waiting[] => {
    let hints = 0;
    const over = waiting.findIndex(({ delivery }, index) => {
      hints += delivery.hints.length;
      return index > 0 && hints > mostHints;
    });
    return waiting.splice(0, over === -1 ? waiting.length : over);
  };

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = nextGroup();
      expected = group.length;
      try {
        const outcomes = await store.receive(group.map(({ delivery }) => delivery));
        for (const [index, { resolve }] of group.entries()) resolve(outcomes[index] as Outcome);
        if (outcomes.includes('stored')) onStored();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    state = 'idle';
  };

  /** After everything that the sockets have brought in this turn. */
  const start = (): void => {
    state = 'at work';
    clearTimeout(gathering);
    setImmediate(work);
  };

  return (delivery: Delivery): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject });
      if (state === 'at work') return;
      if (waiting.length >= expected) start();
      else if (state === 'idle') {
        state = 'gathering';
        gathering = setTimeout(start, gatherMs);
      }
    });
}
