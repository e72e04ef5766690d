// SQLite's primary result codes, the low byte of an extended code: https://sqlite.org/rescode.html
const sqliteFull = 13;
const sqliteConstraint = 19;

/** What a statement or a connection failed of, as far as a caller can do something about it. */
export type DatabaseFailure =
  /** A rule of the tables (unique, foreign key) was broken. */
  | 'constraint'
  /** The disk under the database is full. */
  | 'full'
  /** Another transaction was in the way; nothing was changed, and the same work may be tried again. */
  | 'conflict'
  /** A text has the character U+0000 in it, which PostgreSQL keeps in none. */
  | 'text'
  /** The database can't be reached, or was too slow: it will pass. What was being committed may have been, or not. */
  | 'unavailable'
  | 'other';

/** A statement failed, or the connection did. */
export class DatabaseFailed extends Error {
  readonly failure: DatabaseFailure;
  /** The database's own word for it: SQLITE_..., an SQLSTATE, or the system's. */
  readonly code: string;

  constructor(failed: { message: string; failure?: DatabaseFailure; code?: string; cause?: unknown }) {
    super(failed.message, { cause: failed.cause });
    this.name = 'DatabaseFailed';
    this.failure = failed.failure ?? 'other';
    this.code = failed.code ?? 'ERR_DATABASE';
  }

  get isConstraint(): boolean {
    return this.failure === 'constraint';
  }

  get isFull(): boolean {
    return this.failure === 'full';
  }
}

/** What SQLite's extended result code means. */
export function sqliteFailure(errcode: number): DatabaseFailure {
  switch (errcode & 0xff) {
    case sqliteConstraint:
      return 'constraint';
    case sqliteFull:
      return 'full';
    default:
      return 'other';
  }
}

/** SQLSTATEs beyond their class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const sqlStates: Readonly<Record<string, DatabaseFailure>> = {
  '22021': 'text', // character_not_in_repertoire
  '40001': 'conflict', // serialization_failure
  '40P01': 'conflict', // deadlock_detected
  '53100': 'full', // disk_full
  '53300': 'unavailable', // too_many_connections
  '55P03': 'unavailable', // lock_not_available: lock_timeout ran out
  '57014': 'unavailable', // query_canceled: statement_timeout ran out
  '57P01': 'unavailable', // admin_shutdown
  '57P02': 'unavailable', // crash_shutdown
  '57P03': 'unavailable', // cannot_connect_now
  '25P03': 'unavailable', // idle_in_transaction_session_timeout
};

const sqlStateClasses: Readonly<Record<string, DatabaseFailure>> = {
  '08': 'unavailable', // connection exceptions
  '23': 'constraint', // integrity constraint violations
};

/** What PostgreSQL's five-character SQLSTATE means. */
export function postgresFailure(sqlState: string): DatabaseFailure {
  return sqlStates[sqlState] ?? sqlStateClasses[sqlState.slice(0, 2)] ?? 'other';
}
