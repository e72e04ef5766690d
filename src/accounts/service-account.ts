/** Whom programs act as. */
export interface ServiceAccount {
  readonly id: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** Unique in its cloud, and never empty. */
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
}
