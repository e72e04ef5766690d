/** Bytes of a GUID in a file. */
export const guidBytes = 16;

/** The GUID of no bits: "there is none". */
export const zeroGuid = '00000000-0000-0000-0000-000000000000';

/** A GUID as it is written by people, in capitals. The first three parts of its bytes are little-endian numbers. */
export function readGuid(view: DataView, at: number): string {
  const parts = [
    hex(view.getUint32(at, true), 8),
    hex(view.getUint16(at + 4, true), 4),
    hex(view.getUint16(at + 6, true), 4),
    hex(view.getUint16(at + 8), 4),
    hex(view.getUint16(at + 10), 4) + hex(view.getUint32(at + 12), 8),
  ];
  return parts.join('-');
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
