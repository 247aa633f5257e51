import type { Queue } from 'bullmq';

/** How many jobs of a queue are in which state. */
interface QueueDepth {
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

/** Why a connection of this process is not called at the moment: a 429 that was answered, or an open breaker. */
export interface Hold {
  readonly connection: string;
  /** Epoch milliseconds. */
  readonly until: number;
  /** In words, without personal data. */
  readonly reason: string;
}

/** Which process talks to a connection. */
export interface Seat {
  readonly connection: string;
  /** The process's name in leases. */
  readonly owner: string;
  /** Whether that is this process. */
  readonly here: boolean;
}

/** What the worker offers to dashboard, webhook receiver and metrics. */
export interface QueueControl {
  /** BullMQ's own, for Bull Board. */
  readonly queues: readonly Queue[];
  /** Since when Redis does not answer, epoch milliseconds; undefined while it does. */
  readonly awaySince: number | undefined;
  /** Rejects while Redis is away. */
  depths(): Promise<readonly QueueDepth[]>;
  /** Asks for a cycle of a sync now. Rejects at once while Redis is away. */
  syncNow(sync: string): Promise<void>;
  /** There are new hints or pending rows. */
  wake(): void;
  holds(): readonly Hold[];
  seats(): readonly Seat[];
}
