import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { hasPartitionTable as isPartitioned } from '../partition-table.ts';
import type { Probe } from '../probe.ts';
import { type Descriptor, readDescriptor } from './descriptor.ts';
import { type Footer, readFooter } from './footer.ts';
import { directoryAtEnd, headerBytes, isCompressed, readHeader, type VmdkHeader } from './header.ts';

/** What a VMDK says of itself, before its tables are read. */
export interface VmdkFacts {
  /** Length of the file in bytes. */
  readonly fileBytes: number;
  readonly header: VmdkHeader;
  /** What stands where a footer would; looked at only where there can be one. */
  readonly footer: Footer | undefined;
  readonly descriptor: Descriptor;
  /** The first sector is a master boot record as well. */
  readonly hasPartitionTable: boolean;
}

/** @throws ImageRefused when there is no header or no descriptor */
export async function readFacts(probe: Probe, source: ByteSource, options?: ReadOptions): Promise<VmdkFacts> {
  const header = readHeader(probe.head.subarray(0, headerBytes));
  const descriptor = await readDescriptor(header, probe, source, options);
  const mayHaveFooter = header.directoryOffset === directoryAtEnd || isCompressed(header);
  const footer = mayHaveFooter ? await readFooter(source, options) : undefined;
  const hasPartitionTable = isPartitioned(probe.head.subarray(0, headerBytes));
  return { fileBytes: probe.sizeBytes, header, footer, descriptor, hasPartitionTable };
}

/** The header that says where the tables are: the footer where there is one. For facts that were checked. */
export function placingHeader({ header, footer }: VmdkFacts): VmdkHeader {
  return header.directoryOffset === directoryAtEnd ? (footer?.header ?? header) : header;
}
