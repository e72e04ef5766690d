/** The id of the installation that a store belongs to, kept beside its blobs where others could reach them, too. */
export interface StoreOwner {
  /** For messages. */
  readonly description: string;
  /** Which store it is, by whatever name its server is reached. */
  readonly place: string;
  read(): Promise<string | undefined>;
  /** Says whose the store is from now on; only for one that is nobody's. */
  write(installationId: string): Promise<void>;
}
