import type PQueue from 'p-queue';
import { lookJob } from '../../jobs/look.ts';
import { pullJob } from '../../jobs/pull.ts';
import { pushJob, turnsAt } from '../../jobs/push.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { Hands } from './hands.ts';

/** Does the work of a cycle or a round inside this process. */
export function inProcess(context: EngineContext): Hands {
  const turns = new Map<string, PQueue>();
  const turnsOf = (connection: string): PQueue => {
    const ofConnection = turns.get(connection) ?? turnsAt(context, connection);
    turns.set(connection, ofConnection);
    return ofConnection;
  };
  return {
    pull: (order, along) => pullJob(context, order, along),
    look: (order, along) => lookJob(context, order, along),
    push: (order, along) => pushJob(context, order, { ...along, turns: turnsOf(order.connection) }),
  };
}
