import { choiceOf, integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import type { Finding } from '../volumes/finding.ts';

/** A finding as it is kept and shown: names of findings may be another version's. */
export type ReportedFinding = Omit<Finding, 'what'> & { readonly what: string };

/** What a check or a scrub found. */
export interface StoreReport {
  readonly errors: number;
  readonly warnings: number;
  /** The first of them. */
  readonly findings: readonly ReportedFinding[];
  readonly packs: number;
  /** Read and verified. */
  readonly chunks: number;
}

/** More than anybody reads, and little enough for a row of the database. */
const findingsKept = 200;

/** Keeps count of what is found. */
export class ReportBuilder {
  #errors: number;
  #warnings: number;
  readonly #findings: ReportedFinding[];

  constructor(earlier?: StoreReport) {
    this.#errors = earlier?.errors ?? 0;
    this.#warnings = earlier?.warnings ?? 0;
    this.#findings = [...(earlier?.findings ?? [])];
  }

  get errors(): number {
    return this.#errors;
  }

  get warnings(): number {
    return this.#warnings;
  }

  add(finding: Finding): void {
    if (finding.severity === 'error') this.#errors += 1;
    else this.#warnings += 1;
    if (this.#findings.length < findingsKept) this.#findings.push(finding);
  }

  finish({ packs, chunks }: { readonly packs: number; readonly chunks: number }): StoreReport {
    return { errors: this.#errors, warnings: this.#warnings, findings: [...this.#findings], packs, chunks };
  }
}

export function reportToJson({ errors, warnings, findings, packs, chunks }: StoreReport): JsonObject {
  return {
    errors,
    warnings,
    packs,
    chunks,
    findings: findings.map(({ severity, what, id, fact, remedy }) => ({ severity, what, id, fact, remedy })),
  };
}

/** Throws JsonShapeWrong for anything that reportToJson does not make. */
export function reportFromJson(value: unknown): StoreReport {
  const json = objectOf(value, 'report');
  const findings = Array.isArray(json.findings) ? json.findings : [];
  return {
    errors: integerOf(json, 'errors'),
    warnings: integerOf(json, 'warnings'),
    packs: integerOf(json, 'packs'),
    chunks: integerOf(json, 'chunks'),
    findings: findings.map((entry: unknown) => {
      const finding = objectOf(entry, 'finding');
      return {
        severity: choiceOf(finding.severity, ['error', 'warning'], 'severity'),
        what: stringOf(finding, 'what'),
        id: stringOf(finding, 'id'),
        fact: stringOf(finding, 'fact'),
        remedy: stringOf(finding, 'remedy'),
      };
    }),
  };
}
