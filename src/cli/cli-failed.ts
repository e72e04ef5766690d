/** A command cannot do what it was asked to; the message is all the user needs to see. */
export class CliFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliFailed';
  }
}

/** The user pressed Ctrl-C; the message says what goes on without them. */
export class Interrupted extends CliFailed {
  constructor(message: string) {
    super(message);
    this.name = 'Interrupted';
  }
}
