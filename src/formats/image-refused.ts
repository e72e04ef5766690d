/**
 * The file is not one that may be imported: unsafe, damaged, or of a kind that is not read.
 *
 * `check` names the rule (stable, for tests and documents: `qcow2.backing-file`), `reason` is the fact about this file
 * with its values, `remedy` what a person can do about it, usually a command.
 */
export class ImageRefused extends Error {
  readonly check: string;
  readonly reason: string;
  readonly remedy: string | undefined;

  constructor(refusal: { check: string; reason: string; remedy?: string; cause?: unknown }) {
    super(refusal.remedy === undefined ? refusal.reason : `${refusal.reason} ${refusal.remedy}`, {
      cause: refusal.cause,
    });
    this.name = 'ImageRefused';
    this.check = refusal.check;
    this.reason = refusal.reason;
    this.remedy = refusal.remedy;
  }
}
