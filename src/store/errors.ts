/** What became of the place where everything is kept. */
export const storeFaults = ['locked', 'full', 'readonly', 'damaged', 'io'] as const;
export type StoreFault = (typeof storeFaults)[number];

/**
 * The store could not do what it was asked to. Nothing of the transaction in question is kept, everything before it is:
 * once the cause is gone, the next run goes on from there.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: `database_${StoreFault}`;

  /** @param message for people: which file, what happened, what to do; without values of records */
  constructor(fault: StoreFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = `database_${fault}`;
  }
}
