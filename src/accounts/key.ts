/** The algorithms of authorized keys, as the public API names them. */
export const keyAlgorithms = ['RSA_2048', 'RSA_4096'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** The public half of a service account's key pair; the private one is with whoever asked for it. */
export interface Key {
  readonly id: string;
  readonly serviceAccountId: string;
  /** Its account's. */
  readonly folderId: string;
  readonly createdAt: Date;
  readonly description: string;
  readonly algorithm: KeyAlgorithm;
  /** SPKI. */
  readonly publicKeyPem: string;
}
