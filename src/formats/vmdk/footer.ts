import type { ByteSource, ReadOptions } from '../byte-source.ts';
import type { Violation } from '../disk-format.ts';
import { sectorBytes } from '../guest-size.ts';
import { directoryAtEnd, headerBytes, isVmdk, readHeader, type VmdkHeader } from './header.ts';
import { markerBytes, markerFault, markerTypes } from './marker.ts';

/*
 * The end of a streamOptimized VMDK whose writer could not go back to its header: a footer marker, the footer (a header
 * once more, with the offset of the grain directory), an end-of-stream marker. A sector each.
 */
export const footerBytes = 3 * sectorBytes;

export interface Footer {
  /** The footer as a header; undefined where there is none between the markers. */
  readonly header: VmdkHeader | undefined;
  /** What is wrong with the markers around it. */
  readonly markerFault: string | undefined;
}

/** Reads what stands where a footer would; undefined where the file has no room for one. */
export async function readFooter(source: ByteSource, options?: ReadOptions): Promise<Footer | undefined> {
  const start = source.sizeBytes - footerBytes;
  if (start < headerBytes) return undefined;
  const bytes = await source.read(start, footerBytes, options);
  const middle = bytes.subarray(markerBytes, markerBytes + headerBytes);
  return {
    header: isVmdk(middle) ? readHeader(middle) : undefined,
    markerFault:
      markerFault(bytes.subarray(0, markerBytes), markerTypes.footer, 1) ??
      markerFault(bytes.subarray(markerBytes + headerBytes), markerTypes.endOfStream, 0),
  };
}

const cutShort = 'Compare its length with the original, and send it again.';

/**
 * A file has a footer exactly when its header says so, and the two agree: a program that reads the file as a stream
 * believes the one, a program that opens it the other.
 */
export function footerViolation(facts: {
  readonly fileBytes: number;
  readonly header: VmdkHeader;
  readonly footer: Footer | undefined;
}): Violation | undefined {
  const { fileBytes, header, footer } = facts;
  if (header.directoryOffset !== directoryAtEnd) {
    return footer?.header !== undefined && footer.markerFault === undefined
      ? { reason: 'The header says where the grain directory is, and there is a footer that says so too.' }
      : undefined;
  }
  if (footer?.header === undefined || fileBytes % sectorBytes !== 0) {
    return {
      reason: `The header says that the grain directory is told in a footer, and the file (${fileBytes} bytes) does not end with one: it was cut short or has something behind it.`,
      remedy: cutShort,
    };
  }
  if (footer.markerFault !== undefined) {
    return { reason: `The footer is not one: ${footer.markerFault}.`, remedy: cutShort };
  }
  const difference = differentField(header, footer.header);
  if (difference !== undefined) {
    return { reason: `The header and the footer do not agree: ${difference}.` };
  }
  return footer.header.directoryOffset === directoryAtEnd
    ? { reason: 'The footer, too, says that the grain directory is told in a footer.' }
    : undefined;
}

/** Where the directories are, how much was written and whether the file was closed is known only at the end. */
const sameInBoth = [
  'version',
  'flags',
  'capacity',
  'grainSize',
  'descriptorOffset',
  'descriptorSize',
  'entriesPerTable',
  'compressAlgorithm',
] as const satisfies readonly (keyof VmdkHeader)[];

function differentField(header: VmdkHeader, footer: VmdkHeader): string | undefined {
  const field = sameInBoth.find((name) => header[name] !== footer[name]);
  return field === undefined ? undefined : `${field} is ${header[field]} in the one and ${footer[field]} in the other`;
}
