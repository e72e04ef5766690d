/** What the data directory holds cannot be used; the message says what is wrong and what to do. */
export class InstallationBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InstallationBroken';
  }
}
