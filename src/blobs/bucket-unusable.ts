/** The bucket cannot be worked with; the message says what failed and what to do. */
export class BucketUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BucketUnusable';
  }
}
