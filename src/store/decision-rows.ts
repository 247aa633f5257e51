/* What people have decided about who is who, as the store keeps it. */

/** A record of a CRM, by the names that people use. */
export interface CrmName {
  readonly connection: string;
  readonly externalId: string;
}

/** A person has said that two records of CRMs are not one. */
export interface ApartPair {
  readonly one: CrmName;
  readonly other: CrmName;
}

/** A canonical record that a person has found to be another one. */
export interface NewMerged {
  /** A tombstone now; what it knew stays in it. */
  readonly recordId: string;
  /** The other one. */
  readonly survivorId: string;
  /** The records of CRMs that were its own. */
  readonly links: readonly CrmName[];
}

export interface MergedRow extends NewMerged {
  readonly at: number;
  readonly run: string;
}

/** A link that leaves its canonical record. */
export interface MovedLink extends CrmName {
  /** The canonical id of the record that it leaves. */
  readonly from: string;
  /** As it was read. */
  readonly version: number;
}

/** How many live links of a connection rest on one sort of evidence. */
export interface EvidenceCount {
  readonly connection: string;
  readonly evidence: string;
  readonly count: number;
}
