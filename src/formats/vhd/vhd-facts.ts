import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import type { Probe } from '../probe.ts';
import { sizeOf, type VhdSize } from './disk-size.ts';
import { type DynamicHeader, dynamicHeaderLength, readDynamicHeader } from './dynamic-header.ts';
import { diskTypes, footerLength, hasFooter, oldFooterLength, readFooter, type VhdFooter } from './footer.ts';

/** What a VHD says of itself: its footer, and where the disk is dynamic, the footer's copy and the header. */
export interface VhdFacts {
  readonly fileBytes: number;
  /** The footer at the file's end: the one that counts. */
  readonly footer: VhdFooter;
  /** Where the footer begins. What belongs to the disk ends here. */
  readonly footerStart: number;
  /** What stands at the file's beginning, if it is a footer. */
  readonly copy: VhdFooter | undefined;
  readonly size: VhdSize;
  /** Of a dynamic disk; undefined also when a dynamic disk's footer is damaged or leads nowhere. */
  readonly header: DynamicHeader | undefined;
}

/** A footer is a VHD's only mark: at both ends of a dynamic disk, at the end alone of a fixed one. */
export function isVhd(probe: Probe): boolean {
  return hasFooter(probe.head, 0) || tailFooterLength(probe) !== undefined;
}

/** @throws ImageRefused when the end of the file is missing, or a part of the footer there */
export async function readFacts(probe: Probe, source: ByteSource, options?: ReadOptions): Promise<VhdFacts> {
  const { sizeBytes: fileBytes, head, tail } = probe;
  const length = tailFooterLength(probe) ?? 0;
  if (length < oldFooterLength) {
    throw new ImageRefused({
      check: 'vhd.truncated',
      reason:
        length === 0
          ? `The file begins as a dynamic VHD does, but its ${fileBytes} bytes do not end with a footer: it was cut short.`
          : `The file ends within a VHD footer, of which it has ${length} bytes: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  }
  const footer = readFooter(tail.subarray(tail.length - length));
  const footerStart = fileBytes - length;
  return {
    fileBytes,
    footer,
    footerStart,
    copy: hasFooter(head, 0) ? readFooter(head.subarray(0, footerLength)) : undefined,
    size: sizeOf(footer),
    header: await dynamicHeaderOf(footer, footerStart, source, options),
  };
}

/** A dynamic header stands on a sector border behind the footer's copy, and before the footer. */
async function dynamicHeaderOf(
  footer: VhdFooter,
  footerStart: number,
  source: ByteSource,
  options?: ReadOptions,
): Promise<DynamicHeader | undefined> {
  const { type, intact, dataOffset } = footer;
  if (type !== diskTypes.dynamic || !intact) return undefined;
  if (dataOffset < footerLength || dataOffset % BigInt(sectorBytes) !== 0n) return undefined;
  if (dataOffset + BigInt(dynamicHeaderLength) > footerStart) return undefined;
  return readDynamicHeader(await source.read(Number(dataOffset), dynamicHeaderLength, options));
}

/**
 * How long the footer at the file's end is, if there is one. One that is cut short is found where it would begin, on a
 * sector border.
 */
function tailFooterLength({ sizeBytes, tail }: Probe): number | undefined {
  const lengths = [footerLength, oldFooterLength, sizeBytes % sectorBytes];
  return lengths.find((length) => tail.length >= length && hasFooter(tail, tail.length - length));
}
