import { ovaFiles, tarFiles } from './archive-files.ts';
import type { CorpusTable } from './corpus-table.ts';
import { packedFiles } from './packed-files.ts';
import { qcow2Files } from './qcow2-files.ts';
import { rawFiles } from './raw-files.ts';
import { vdiFiles } from './vdi-files.ts';
import { vhdFiles } from './vhd-files.ts';
import { vhdxFiles } from './vhdx-files.ts';
import { vmdkFiles } from './vmdk-files.ts';

/** Every table, by what a file in it is called in a sentence. */
export const corpus: Readonly<Record<string, CorpusTable>> = {
  qcow2: qcow2Files,
  VMDK: vmdkFiles,
  VHD: vhdFiles,
  VHDX: vhdxFiles,
  VDI: vdiFiles,
  'raw file': rawFiles,
  'packed file': packedFiles,
  'tar archive': tarFiles,
  OVA: ovaFiles,
};
