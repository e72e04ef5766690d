// SQLite's primary result codes, the low byte of an extended code: https://sqlite.org/rescode.html
const sqliteFull = 13;
const sqliteConstraint = 19;

/** A statement failed, or the connection did. */
export class DatabaseFailed extends Error {
  readonly code: string;
  /** A rule of the tables (unique, foreign key) was broken. */
  readonly isConstraint: boolean;
  /** The disk under the database is full. */
  readonly isFull: boolean;

  constructor(failure: { message: string; code?: string; errcode?: number; cause?: unknown }) {
    super(failure.message, { cause: failure.cause });
    this.name = 'DatabaseFailed';
    this.code = failure.code ?? 'ERR_DATABASE';
    const primary = (failure.errcode ?? 0) & 0xff;
    this.isConstraint = primary === sqliteConstraint;
    this.isFull = primary === sqliteFull;
  }
}
