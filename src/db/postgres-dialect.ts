import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
} from 'kysely';

/** Beside others, as long as their reads and writes do not cross; or alone, where nothing can. */
export type Company = 'beside others' | 'alone';

/**
 * Each transaction locks this table before it looks at anything: most of them in a mode in which they don't hinder each
 * other, and one that has to be alone in a mode that waits for those that run and holds off those that come. Any table
 * would do; reads outside transactions are not affected. A lock of a table, unlike an advisory one, can be had before
 * the transaction's view of the data is fixed.
 */
const turns = {
  'beside others': 'lock table settings in row share mode',
  alone: 'lock table settings in exclusive mode',
} as const;

/** PostgreSQL with serializable transactions in that company. */
export function createTurnTakingDialect(pool: PostgresPool, company: Company): PostgresDialect {
  return new TurnTakingDialect(pool, company);
}

class TurnTakingDialect extends PostgresDialect {
  readonly #pool: PostgresPool;
  readonly #company: Company;

  constructor(pool: PostgresPool, company: Company) {
    super({ pool });
    this.#pool = pool;
    this.#company = company;
  }

  override createDriver(): Driver {
    return new TurnTakingDriver(this.#pool, this.#company);
  }
}

class TurnTakingDriver extends PostgresDriver {
  readonly #begin: CompiledQuery;

  constructor(pool: PostgresPool, company: Company) {
    super({ pool });
    this.#begin = CompiledQuery.raw(`begin isolation level serializable; ${turns[company]}`);
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(this.#begin);
    } catch (error) {
      // Kysely takes it for not begun; it may have, without the lock.
      await this.rollbackTransaction(connection);
      throw error;
    }
  }
}
