/** The id of the installation that a store belongs to, kept beside its blobs where others could reach them, too. */
export interface StoreOwner {
  /** For messages. */
  readonly description: string;
  read(): Promise<string | undefined>;
  /** Says whose the store is from now on; only for one that is nobody's. */
  write(installationId: string): Promise<void>;
}
