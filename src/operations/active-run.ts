import { type Held, lengthenTurn } from '../lib/fair-share.ts';
import type { JsonValue } from '../lib/json.ts';
import type { OperationKind } from './kind.ts';
import type { Lease } from './lease.ts';
import type { OperationInput } from './operation.ts';
import { type OperationRow, toInput } from './operation-rows.ts';

/** An operation that this process runs now. */
export class ActiveRun implements Held {
  readonly kind: OperationKind;
  readonly operation: OperationInput;
  readonly lease: Lease;
  /** This claim included. */
  readonly attempts: number;
  /** Its cloud: places are shared between clouds. */
  readonly group: string;
  readonly since = performance.now();
  readonly turnMs: number;
  readonly timesGivenWay: number;
  /** When the lease was last renewed, by performance.now(); the claim is the first time. */
  renewedAt: number;
  /** Settles, never rejects, when nothing of the run is left. */
  ended: Promise<void> = Promise.resolve();
  readonly #controller = new AbortController();
  #progress: JsonValue | undefined;
  #writtenProgress: JsonValue | undefined;

  constructor(
    kind: OperationKind,
    row: OperationRow,
    {
      turnMs,
      timesGivenWay,
      claimedAt,
    }: { readonly turnMs: number; readonly timesGivenWay: number; readonly claimedAt: number },
  ) {
    this.kind = kind;
    this.operation = toInput(row);
    this.lease = { operationId: row.id, epoch: row.lease_epoch };
    this.attempts = row.attempts;
    this.group = row.cloud_id;
    this.turnMs = lengthenTurn(turnMs, timesGivenWay);
    this.timesGivenWay = timesGivenWay;
    this.renewedAt = claimedAt;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** The last progress reported; undefined before the first report. */
  get progress(): JsonValue | undefined {
    return this.#progress;
  }

  /** Progress that is not in the row yet. */
  get newProgress(): JsonValue | undefined {
    return this.#progress === this.#writtenProgress ? undefined : this.#progress;
  }

  report(progress: JsonValue): void {
    this.#progress = progress;
  }

  progressWritten(progress: JsonValue | undefined): void {
    if (progress !== undefined) this.#writtenProgress = progress;
  }
}
