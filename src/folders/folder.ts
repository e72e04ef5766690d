/** What images are in, and who may do what is said of. */
export interface Folder {
  readonly id: string;
  readonly cloudId: string;
  readonly createdAt: Date;
  /** Unique in its cloud. */
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: 'ACTIVE' | 'DELETING' | 'PENDING_DELETION';
}

/** What folders are in. Its images share their stored bytes with each other, and with no other cloud's. */
export interface Cloud {
  readonly id: string;
  readonly createdAt: Date;
  readonly name: string;
  readonly description: string;
  /** Empty: this service has no organizations. */
  readonly organizationId: string;
  readonly labels: Readonly<Record<string, string>>;
}
