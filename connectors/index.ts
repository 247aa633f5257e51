import type { ConnectorDefinition } from '../src/connector/connector.ts';
import { alpha } from './alpha/index.ts';
import { conecrm } from './conecrm/index.ts';
import { treepl } from './treepl/index.ts';
import { upgradechat } from './upgradechat/index.ts';

/** Every kind of CRM there is, by its name in the configuration. The one place that knows connectors by name. */
export const connectors: ReadonlyMap<string, ConnectorDefinition> = new Map(
  ([alpha, conecrm, treepl, upgradechat] as ConnectorDefinition[]).map((definition) => [definition.name, definition]),
);
