import { z } from 'zod';
import { baseRecord, idObject, readFlag, readNumber, readRef, readText, writeRef, writeText } from './common.ts';
import { accountWrite, contactWrite, usableText } from './customer.ts';

const connectionThirdPartyId = z.looseObject({
  ...baseRecord,
  systemName: readText,
  thirdPartyId: readText,
  metadata: z.unknown().optional(),
});

/** Connection: what leads are made of (conecrm.md §11). Status, source, franchise and people come as `{id}` only. */
const connection = {
  ...baseRecord,
  subject: readText,
  description: readText,
  status: readRef,
  dateFirstModified: readText,
  firstModifiedBy: readRef,
  source: readRef,
  contact: readRef,
  account: readRef,
  franchise: readRef,
  dueDate: readText,
  stage: readRef,
  direction: readText,
  isQualified: readFlag,
  connectionClosedDate: readText,
  connectionClosedBy: readRef,
  expectedDeliveryDate: readText,
  isLostApproved: readFlag,
  lostBy: readRef,
  lostDate: readText,
  firstOpenDate: readText,
  firstOpenBy: readRef,
  testDriveDone: readFlag,
  testDriveDate: readText,
  orderPlaced: readFlag,
  orderDate: readText,
  tradeInAppraisalDone: readFlag,
  tradeInAppraisalDate: readText,
  creditApplicationSubmitted: readFlag,
  creditApplicationSubmittedDate: readText,
  priority: readNumber,
  thirdPartyIds: z.array(connectionThirdPartyId).nullish(),
};

const idRows = z.array(idObject).nullish();

export const lead = z.looseObject({
  ...connection,
  category: readText,
  automationDay: readNumber,
  visitCount: readNumber,
  isTakeOver: readFlag,
  isWalkAroundDone: readFlag,
  walkAroundDate: readText,
  takeOverDate: readText,
  offerMade: readFlag,
  offerMadeDate: readText,
  soldDate: readText,
  soldBy: readRef,
  presaleVisitCount: readNumber,
  postsaleVisitCount: readNumber,
  customerInitiated: readFlag,
  inTransit: readFlag,
  cpo: readFlag,
  demo: readFlag,
  formName: readText,
  leadHandlingInstructions: readText,
  creditAssessments: idRows,
  incentives: idRows,
  packages: idRows,
  surveys: idRows,
});

/** Department, contact, source and franchise are required and cannot be looked up (conecrm.md §10). */
export const leadCreate = z.looseObject({
  subject: z.string(),
  department: writeRef,
  makeStr: writeText,
  modelStr: writeText,
  yearStr: writeText,
  trimStr: writeText,
  contact: writeRef,
  account: writeRef.nullish(),
  assignees: z.array(writeRef).optional(),
  description: writeText,
  source: writeRef,
  category: writeText,
  utmCampaign: writeText,
  utmSource: writeText,
  customerInitiated: z.boolean().optional(),
  leadHandlingInstructions: writeText,
  franchise: writeRef,
  customFieldValues: z.array(z.looseObject({ field: writeRef.optional(), value: z.string().optional() })).nullish(),
});

/** `contact` is a full Contact here, not an id alone (§8, 14). */
export const leadCopy = z.looseObject({
  contact: contactWrite,
  account: accountWrite.nullish(),
  subject: writeText,
  department: z.looseObject({ id: writeText }).nullish(),
  franchise: z.looseObject({ id: writeText }).nullish(),
});

/** What a row must be to be used as a lead, from whichever call it came. References may be bare ids in rows of the query builder. */
export const leadRecord = z.object({
  id: z.string().min(1),
  subject: usableText,
  description: usableText,
  contact: z.unknown().optional(),
  account: z.unknown().optional(),
  source: z.unknown().optional(),
  franchise: z.unknown().optional(),
  stage: z.unknown().optional(),
  dueDate: usableText,
  isDeleted: readFlag,
  dateCreated: z.unknown().optional(),
  dateModified: z.unknown().optional(),
  thirdPartyIds: z.array(z.unknown()).nullish(),
});
