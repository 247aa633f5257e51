import { describe, expect, it } from 'vitest';
import { alpha } from '../../../connectors/alpha/index.ts';
import { startAlphaSandbox } from '../../../connectors/alpha/sandbox.ts';
import { conecrm } from '../../../connectors/conecrm/index.ts';
import { connectors } from '../../../connectors/index.ts';
import { treepl } from '../../../connectors/treepl/index.ts';
import { startTreeplSandbox } from '../../../connectors/treepl/sandbox.ts';
import { upgradechat } from '../../../connectors/upgradechat/index.ts';
import { startUpgradechatSandbox } from '../../../connectors/upgradechat/sandbox.ts';
import { conformance, type Subject } from '../../../src/connector/conformance.ts';
import type { ConnectorDefinition } from '../../../src/connector/connector.ts';
import {
  alphaAccount,
  alphaContact,
  alphaLead,
  conecrmAccount,
  conecrmContact,
  conecrmLead,
  strictTreeplContact,
  treeplContact,
  upgradechatContact,
  upgradechatLead,
} from './specimens.ts';

const alphaSubject: Subject = {
  definition: alpha as ConnectorDefinition,
  specimens: { contact: alphaContact, account: alphaAccount, lead: alphaLead },
};
const conecrmSubject: Subject = {
  definition: conecrm as ConnectorDefinition,
  specimens: { contact: conecrmContact, account: conecrmAccount, lead: conecrmLead },
};
const conecrmId = '0190a000-0000-7000-8000-0000000000b1';
const treeplSubject: Subject = { definition: treepl as ConnectorDefinition, specimens: { contact: treeplContact } };
const upgradechatSubject: Subject = {
  definition: upgradechat as ConnectorDefinition,
  specimens: { contact: upgradechatContact, lead: upgradechatLead },
};

/** Every connector as it is, and once more with options or a CRM that has other habits. */
const subjects: Readonly<Record<string, Subject>> = {
  alpha: alphaSubject,
  'alpha with other habits': {
    ...alphaSubject,
    startSandbox: (options) =>
      startAlphaSandbox({
        ...options,
        habits: { trims: true, nextActionReplaces: true, omitsNull: true, missesWhatIsNotThere: true },
      }),
  },
  conecrm: conecrmSubject,
  'conecrm with the ids that new leads need': {
    ...conecrmSubject,
    options: Object.fromEntries(['department', 'source', 'franchise'].map((key) => [key, conecrmId])),
  },
  treepl: treeplSubject,
  'treepl with other habits': {
    ...treeplSubject,
    specimens: { contact: strictTreeplContact },
    startSandbox: (options) =>
      startTreeplSandbox({
        ...options,
        habits: { trims: true, emptyIsNull: true, refusesUnknown: true, stateLength: 2, lowerCasesEmail: true },
      }),
  },
  'treepl with every option': {
    ...treeplSubject,
    options: { xrefField: 'sync.hubId', whereByEmail: { Email: '$email' }, listQuery: 'body' },
  },
  upgradechat: upgradechatSubject,
  'upgradechat with other habits': {
    ...upgradechatSubject,
    startSandbox: (options) =>
      startUpgradechatSandbox({
        ...options,
        replies: 'envelope',
        refuses: 'in200',
        habits: { absent: 'cleared', trims: true, emptyIsNull: true },
      }),
  },
  'upgradechat that is not trusted to find a contact again': {
    ...upgradechatSubject,
    options: { trustMatching: false },
    startSandbox: (options) => startUpgradechatSandbox({ ...options, habits: { matches: [] } }),
  },
};

describe.each(Object.entries(subjects))('%s', (_, subject) => {
  it.each(conformance(subject).map(({ name, run }) => [name, run] as const))('%s', (_name, run) => run());
});

it('every connector of the registry is held to it', () => {
  expect(Object.values(subjects).map(({ definition }) => definition)).toEqual(
    expect.arrayContaining([...connectors.values()]),
  );
});
