/**
 * The work stops so that another cloud's can go on: nothing is wrong with it, and it goes on from where it was durable when
 * its turn comes again.
 */
export class GaveWay extends Error {
  constructor() {
    super('the work gives way to that of another cloud; it goes on when its turn comes again');
    this.name = 'GaveWay';
  }
}
