import type { Connector } from './connector.ts';

/** The same connector, with some of its methods replaced. */
export function overlaid(connector: Connector, over: Partial<Connector>): Connector {
  return {
    capabilities: connector.capabilities,
    mappings: connector.mappings,
    phoneRegion: connector.phoneRegion,
    list: connector.list.bind(connector),
    read: connector.read.bind(connector),
    search: connector.search.bind(connector),
    create: connector.create.bind(connector),
    update: connector.update.bind(connector),
    delete: connector.delete.bind(connector),
    ...(connector.writeScope && { writeScope: connector.writeScope.bind(connector) }),
    ...(connector.clearedBy && { clearedBy: connector.clearedBy.bind(connector) }),
    ...(connector.checkOptions && { checkOptions: connector.checkOptions.bind(connector) }),
    ...over,
  };
}
