/**
 * Bytes of a file that was sent to us are gone, or others are in their place: to read again does not help. Who handed the
 * file in from above throws it.
 */
export class BytesLost extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BytesLost';
  }
}
