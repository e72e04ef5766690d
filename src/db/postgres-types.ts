import pg from 'pg';

// Type numbers: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const byteaType = 17;
const int8Type = 20;
const numericType = 1700;

/** A number from the database that JavaScript can't hold exactly. */
export class NumberUnsafe extends Error {
  constructor(text: string) {
    super(`the database gave ${text}, which is no whole number below 2^53`);
    this.name = 'NumberUnsafe';
  }
}

/**
 * How values come out of PostgreSQL, so that rows look as SQLite's do: 64-bit integers, and the numeric that a sum of
 * them is, are numbers, checked to be exact; byte strings are plain Uint8Arrays with memory of their own.
 */
export const postgresTypes: pg.CustomTypesConfig = {
  getTypeParser(type: number, format?: 'text' | 'binary') {
    if (format === 'binary') return pg.types.getTypeParser(type, 'binary');
    switch (type) {
      case byteaType:
        return parseBytes;
      case int8Type:
      case numericType:
        return parseWhole;
      default:
        return pg.types.getTypeParser(type, 'text');
    }
  },
};

function parseWhole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new NumberUnsafe(text);
  return number;
}

/** The server writes `\x` and hexadecimal digits (bytea_output's default, which our sessions set). */
function parseBytes(text: string): Uint8Array {
  const digits = Buffer.from(text.slice(2), 'hex');
  return Uint8Array.from(digits);
}
