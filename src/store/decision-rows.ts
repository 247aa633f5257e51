/* What people have decided about who is who, as the store keeps it. */

/** A person has said that a record of a CRM is not this canonical record. */
export interface ApartRow {
  readonly connection: string;
  readonly externalId: string;
  readonly recordId: string;
}

/** A canonical record that a person has found to be another one. */
export interface NewMerged {
  /** A tombstone now; what it knew stays in it. */
  readonly recordId: string;
  /** The other one. */
  readonly survivorId: string;
  /** The records of CRMs that were its own. */
  readonly links: readonly { readonly connection: string; readonly externalId: string }[];
}

export interface MergedRow extends NewMerged {
  readonly at: number;
  readonly run: string;
}

/** A link that leaves its canonical record. */
export interface MovedLink {
  readonly connection: string;
  readonly externalId: string;
  /** The canonical id of the record that it leaves. */
  readonly from: string;
}
