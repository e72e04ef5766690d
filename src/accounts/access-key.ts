/** What a service account signs requests to the object store with. Its secret is kept nowhere: access/access-key-secret.ts. */
export interface AccessKey {
  readonly id: string;
  readonly serviceAccountId: string;
  /** Its account's. */
  readonly folderId: string;
  readonly createdAt: Date;
  readonly description: string;
  /** What clients call it, in every request that they sign. */
  readonly keyId: string;
}
