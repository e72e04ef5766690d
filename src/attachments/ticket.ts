import { createHash, randomBytes } from 'node:crypto';

/** 192 random bits, in characters that stand in a URI as they are: the export's name, and all that it takes to have it. */
export function newTicket(): string {
  return randomBytes(24).toString('base64url');
}

/** What is kept of a ticket: whoever reads it has no ticket, and looking one up by it tells nothing by its time. */
export function hashTicket(ticket: string): string {
  return createHash('sha256').update(ticket).digest('hex');
}
