import type { Schema } from '../db/schema.ts';

/** A table that lists of the API come from: it has the columns folder_id, id, name, status and created_at. */
export interface ListedTable<T extends 'images' | 'disks' | 'snapshots' = 'images' | 'disks' | 'snapshots'> {
  readonly name: T;
  /** Where its labels are once more, for filters. */
  readonly labels: { readonly table: keyof Schema & `${string}_labels`; readonly owner: string };
  /** What can be filtered by =, !=, IN and NOT IN besides the status and the labels: the names, and their columns. */
  readonly texts: Readonly<Record<string, string>>;
}
