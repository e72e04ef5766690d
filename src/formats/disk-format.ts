import type { ByteSource, ReadOptions } from './byte-source.ts';
import type { DiskMap } from './disk-map.ts';
import type { DiskReport } from './disk-report.ts';
import { ImageRefused } from './image-refused.ts';
import type { Probe } from './probe.ts';

/** A virtual disk file that was recognised, checked, and can be read. */
export interface OpenedDisk {
  readonly format: DiskReport['format'];
  readonly map: DiskMap;
  readonly report: DiskReport;
  /**
   * What the map's runs are runs of, and so what they must be read from: the source that was opened, or a view of it.
   * It stays that source's owner's: disposing it is not asked for, and a view holds nothing that must be closed.
   */
  readonly source: ByteSource;
}

/** What a reader makes of a file that passed its checks. `source` is left out where the map's runs are runs of the file. */
export interface MappedFile {
  readonly map: DiskMap;
  readonly report: DiskReport;
  readonly source?: ByteSource;
}

/** Why a file breaks a rule, with the values of this file, and what its owner can do about it. */
export interface Violation {
  readonly reason: string;
  readonly remedy?: string;
}

/** One rule a file must keep to be read. `name` is what `ImageRefused.check` says. */
export interface FormatCheck<Facts> {
  readonly name: string;
  violation(facts: Facts): Violation | undefined;
}

/** A format as the list of formats knows it. */
export interface DiskFormat {
  readonly name: string;
  /** Whether the file says that it is of this format. */
  recognises(probe: Probe): boolean;
  /**
   * Opens a file that `recognises` said yes to.
   *
   * @throws ImageRefused
   */
  open(source: ByteSource, probe: Probe, options?: ReadOptions): Promise<OpenedDisk>;
}

/**
 * A format that can be read, in three steps that always run in this order: `readFacts` reads the header (or headers:
 * what is not in the probe it reads itself, a bounded number of bytes), every check is asked, `openMap` reads the
 * tables. There is no way to the third step past the second, and a format without a check cannot be made: a reader that
 * cannot say no is wrong even when it is short.
 */
export function readableFormat<Facts>(definition: {
  readonly name: DiskReport['format'];
  recognises(probe: Probe): boolean;
  readFacts(probe: Probe, source: ByteSource, options?: ReadOptions): Facts | Promise<Facts>;
  readonly checks: readonly [FormatCheck<Facts>, ...FormatCheck<Facts>[]];
  openMap(source: ByteSource, facts: Facts, options?: ReadOptions): Promise<MappedFile>;
}): DiskFormat {
  if (definition.checks.length === 0) throw new Error(`The format ${definition.name} has no checks.`);
  return {
    name: definition.name,
    recognises: definition.recognises,
    async open(source, probe, options) {
      const facts = await definition.readFacts(probe, source, options);
      for (const check of definition.checks) {
        const violation = check.violation(facts);
        if (violation !== undefined) throw new ImageRefused({ check: check.name, ...violation });
      }
      const { map, report, source: view } = await definition.openMap(source, facts, options);
      return { format: definition.name, map, report, source: view ?? source };
    },
  };
}

/** A format that is known, so that it can be refused by name. */
export function refusedFormat(definition: {
  readonly name: string;
  readonly check: string;
  readonly reason: string;
  readonly remedy: string;
  recognises(probe: Probe): boolean;
}): DiskFormat {
  const { name, check, reason, remedy, recognises } = definition;
  return {
    name,
    recognises,
    open: () => Promise.reject(new ImageRefused({ check, reason, remedy })),
  };
}
