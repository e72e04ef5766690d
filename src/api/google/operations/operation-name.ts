import { resourceNumber } from '../../../lib/resource-number.ts';
import type { Operation } from '../../../operations/operation.ts';

/**
 * The name of an operation: `operation-`, the milliseconds of its creation, the same as microseconds in 13 hexadecimal digits,
 * and its number in two times 8. So the name says the number, and what a client has of either finds the operation.
 */
export function operationName({ id, createdAt }: Pick<Operation, 'id' | 'createdAt'>): string {
  const ms = createdAt.getTime();
  const micros = (BigInt(ms) * 1000n).toString(16).padStart(13, '0').slice(-13);
  const number = BigInt(resourceNumber(id)).toString(16).padStart(16, '0');
  return `operation-${ms}-${micros}-${number.slice(0, 8)}-${number.slice(8)}`;
}

const nameShape = /^operation-\d{1,16}-[0-9a-f]{13}-([0-9a-f]{8})-([0-9a-f]{8})$/;
const numberShape = /^[1-9]\d{0,18}$/;

/** The number in an operation's name, or that is given in its place; undefined for what names none. */
export function operationNumber(nameOrNumber: string): string | undefined {
  if (numberShape.test(nameOrNumber)) return nameOrNumber;
  const [, high, low] = nameShape.exec(nameOrNumber) ?? [];
  return high === undefined || low === undefined ? undefined : String(BigInt(`0x${high}${low}`));
}
