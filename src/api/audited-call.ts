import type { Caller } from '../access/caller.ts';
import type { Scope } from '../access/scope.ts';
import type { NewAuditRecord } from '../audit/audit-record.ts';
import { type ChangingCall, recordChange } from '../audit/record-change.ts';
import type { StatusCode } from '../errors.ts';
import { auditedOf } from './audited-methods.ts';

/** Where calls that change something are recorded; see audit/. */
export interface AuditFunctions {
  /** Returns when it is written. */
  recordMadeChange(call: ChangingCall): Promise<void>;
  /** It is written soon. */
  recordRefusal(record: NewAuditRecord): void;
}

/** Longer texts are cut: they are the caller's, and some are not what they should be. */
const maxIdLength = 64;
const maxMadeLength = 256;
const maxUserAgentLength = 256;

/** What the record has of one call, from its first header to its answer. It does nothing for calls that only read. */
export class AuditedCall {
  readonly #audit: AuditFunctions;
  readonly #facts: Pick<ChangingCall, 'method' | 'requestId' | 'peer' | 'userAgent'>;
  #subjectId = '';
  #place: Pick<ChangingCall, 'resourceId' | 'folderId' | 'cloudId'> = { resourceId: '', folderId: '', cloudId: '' };
  #isRecorded = false;

  constructor(
    audit: AuditFunctions,
    call: {
      readonly method: string;
      readonly requestId: string;
      readonly peer: string;
      readonly userAgent: string | undefined;
    },
  ) {
    this.#audit = audit;
    this.#facts = { ...call, userAgent: plain(call.userAgent ?? '', maxUserAgentLength) };
  }

  /** Set once the token was checked. */
  set subjectId(id: string) {
    this.#subjectId = id;
  }

  /** The caller may or may not do it there; what is asked for first says what the call is about. */
  asked(scope: Scope): void {
    if (this.#place.resourceId === '' && this.#place.folderId === '') this.#place = placeOf(scope);
  }

  /** What the call made, where nothing that was asked for says it. */
  made(resourceId: string): void {
    this.#place = { ...this.#place, resourceId: plain(resourceId, maxMadeLength) };
  }

  /** For changes that are made in one transaction, as an operation. */
  readonly recorded: NonNullable<Caller['recorded']> = async (tx, work) => {
    const operation = await recordChange(tx, this.#call(), work);
    // Should the transaction fail yet, the call does, too, or is answered with what its twin recorded.
    this.#isRecorded = true;
    return operation;
  };

  /** To be awaited before the call is answered with success. */
  async succeeded(): Promise<void> {
    if (this.#isRecorded || auditedOf(this.#facts.method) !== 'changes') return;
    await this.#audit.recordMadeChange(this.#call());
  }

  failed(code: StatusCode): void {
    if (auditedOf(this.#facts.method) === 'nothing') return;
    this.#audit.recordRefusal({ ...this.#call(), kind: 'refusal', at: new Date(), code, operationId: '' });
  }

  #call(): ChangingCall {
    return { ...this.#facts, ...this.#place, subjectId: this.#subjectId };
  }
}

function placeOf(scope: Scope): Pick<ChangingCall, 'resourceId' | 'folderId' | 'cloudId'> {
  if (scope === 'installation') return { resourceId: '', folderId: '', cloudId: '' };
  if (!('noun' in scope)) {
    const { folderId = '', cloudId = '' } = scope;
    return { resourceId: '', folderId: plain(folderId, maxIdLength), cloudId: plain(cloudId, maxIdLength) };
  }
  const resourceId = plain(scope.id, maxIdLength);
  if (scope.noun === 'Cloud') return { resourceId, folderId: '', cloudId: resourceId };
  return { resourceId, folderId: scope.noun === 'Folder' ? resourceId : (scope.folderId ?? ''), cloudId: '' };
}

/** Visible ASCII and spaces alone. */
function plain(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll(/[^\x20-\x7e]/g, '?');
}
