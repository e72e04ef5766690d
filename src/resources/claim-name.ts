import { DatabaseFailed } from '../db/database-failed.ts';
import { nameTaken, type ResourceNoun } from '../errors.ts';

export interface NameClaim {
  readonly noun: ResourceNoun;
  /** The resource that is to have the name. */
  readonly id: string;
  /** '' is everybody's. */
  readonly name: string;
  /** The resource of the folder that has the name now, if any. */
  findHolder(): Promise<{ readonly id: string } | undefined>;
  /** Writes the row that gives the resource its name. */
  write(): Promise<void>;
}

/**
 * Gives a resource its name. Throws ALREADY_EXISTS when another one of its kind and folder has it, also when that one
 * comes from another process at the same moment: then the unique index says so.
 */
export async function claimName({ noun, id, name, findHolder, write }: NameClaim): Promise<void> {
  const holder = name === '' ? undefined : await findHolder();
  if (holder !== undefined && holder.id !== id) throw nameTaken(noun, name);
  try {
    await write();
  } catch (error) {
    if (error instanceof DatabaseFailed && error.isConstraint && name !== '') throw nameTaken(noun, name);
    throw error;
  }
}
