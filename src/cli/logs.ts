import type { Surroundings } from '../app.ts';
import type { Session } from './session.ts';

/** The real surroundings, logging to the session's log: ids, operations and statuses, no addresses and no bodies. */
export function surroundings(session: Session): Surroundings {
  const { log } = session;
  return { log, onHttp: (event) => log.debug(event, 'request') };
}
