import { systemClock } from '../connector/clock.ts';
import type { Capabilities, ConnectorDefinition } from '../connector/connector.ts';

/**
 * What a connector can do with these options, which may take abilities away or add some.
 * @param options as the definition's own schema parsed them
 */
export function capabilitiesWith(definition: ConnectorDefinition, options: unknown): Capabilities {
  const http = { call: () => Promise.reject(new RangeError('asking for capabilities must not call the CRM')) };
  const context = { connection: definition.name, http, clock: systemClock, options, concurrent: 1 };
  return definition.create(context).capabilities;
}
