import { buildQcow2 } from '../fixtures/qcow2-builder.ts';
import { type CorpusRow, type CorpusTable, KiB, TiB } from './corpus-table.ts';

/** A file of 64 KiB with these marks at their offsets. */
function marked(what: string, outcome: string, ...marks: readonly (readonly [number, string])[]): CorpusRow {
  const make = () => ({
    sizeBytes: 64 * KiB,
    parts: marks.map(([offset, mark]) => [offset, Buffer.from(mark, 'latin1')] as const),
  });
  return [what, make, outcome];
}

function text(what: string, content: string): CorpusRow {
  return [what, () => Buffer.from(content), 'raw.not-a-disk'];
}

const bootablePartition = '\x80\0\x02\0\x83\0\0\0\x01\0\0\0\x7f\0\0\0';

/** Files without a format that is read, and raw disks. */
export const rawFiles: CorpusTable = {
  'guessed format': [
    // There is no way to say that a file is raw: what its first bytes say it is, it is, for whoever reads it later too.
    [
      'is a raw disk whose guest wrote a qcow2 header with a backing file over its beginning',
      () => {
        const header = buildQcow2({ header: { backing_file_offset: 512, backing_file_size: 11 } }).subarray(0, 1024);
        return { sizeBytes: 64 * KiB, parts: [[0, header]] };
      },
      'qcow2.backing-file',
    ],
    marked('is a raw disk whose guest wrote four bytes over its beginning', 'qcow2.version', [0, 'QFI\xfb']),
    marked('is a raw disk whose guest wrote the mark of a VHD into its last sector', 'vhd.footer-checksum', [
      63.5 * KiB,
      'conectix',
    ]),
    marked('is a QED', 'format.unsupported', [0, 'QED\0']),
    marked('is a LUKS container', 'format.encrypted', [0, 'LUKS\xba\xbe']),
    marked('is packed by a program whose files are not unpacked', 'format.wrapped', [0, "7z\xbc\xaf'\x1c"]),
    marked('is a CD', 'format.not-a-disk', [0x8001, 'CD001']),
  ],
  'two identities': [
    marked(
      'is a QED with the trailer of a DMG',
      'format.ambiguous',
      [0, 'QED\0'],
      [63.5 * KiB, 'koly\0\0\0\x04\0\0\x02\0'],
    ),
    marked(
      'is a VMDK with the trailer of a DMG',
      'format.ambiguous',
      [0, 'KDMV'],
      [63.5 * KiB, 'koly\0\0\0\x04\0\0\x02\0'],
    ),
    // Made to be both, and used as a disk.
    marked(
      'is a CD and a partitioned disk',
      'accepted',
      [446, bootablePartition],
      [510, '\x55\xaa'],
      [0x8001, 'CD001'],
    ),
  ],
  size: [
    ['is empty', () => Buffer.alloc(0), 'format.empty'],
    ['has 4 TiB and a byte', () => ({ sizeBytes: 4 * TiB + 1, parts: [] }), 'raw.size'],
    ['has one byte', () => Buffer.from([0xe5]), 'accepted'],
  ],
  damage: [
    text('is the page that a server shows for an expired link', '<!DOCTYPE html><html><body>403</body></html>'),
    text('is an object store\'s "access denied"', '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'),
    text('is an answer in JSON', '{"error": "not found"}'),
    text('is a page of whole sectors', '<html>'.padEnd(4096)),
    text('is a sentence', 'The file was moved.\n'),
  ],
};
