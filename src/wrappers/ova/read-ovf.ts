import { ImageRefused } from '../../formats/image-refused.ts';
import { type OvfElement, parseOvf } from './ovf-document.ts';

/** A file that a description refers to. */
export interface OvfFile {
  readonly id: string;
  /** Name of the member it is. */
  readonly href: string;
  /** Its length as the description tells it, in bytes. */
  readonly statedBytes: number | undefined;
}

export interface OvfDisk {
  readonly id: string;
  readonly file: OvfFile;
  /** The disk's size as the description tells it, in bytes. */
  readonly capacityBytes: number | undefined;
}

export interface OvfDescription {
  readonly files: readonly OvfFile[];
  /** The disks that have a file. */
  readonly disks: readonly OvfDisk[];
  /** Disks without one: a machine gets them empty. */
  readonly emptyDisks: number;
}

/** Versions 1 and 2, and what VMware wrote before there was a standard. */
const envelopeNamespace =
  /^http:\/\/(schemas\.dmtf\.org\/ovf\/envelope\/[12]|www\.vmware\.com\/schema\/ovf\/1\/envelope)$/;

/**
 * What an OVF description (DSP0243) says of disks and files: `References/File` and `DiskSection/Disk`, wherever the
 * latter stands below the envelope. All else in it is the machine's and passed over.
 *
 * @throws ImageRefused
 */
export function readOvf(bytes: Uint8Array): OvfDescription {
  const envelope = parseOvf(bytes);
  if (envelope.name !== 'Envelope' || !envelopeNamespace.test(envelope.namespace)) {
    throw refuse(
      `its root is ${JSON.stringify(envelope.name)} of ${JSON.stringify(envelope.namespace.slice(0, 80))}, not an OVF envelope`,
    );
  }
  const files = below(envelope, 'References')
    .flatMap((element) => below(element, 'File'))
    .map(readFile);
  const byId = new Map(files.map((file) => [file.id, file]));
  if (byId.size < files.length) throw refuse('two of its files have one id');
  const elements = [...below(envelope, 'DiskSection'), ...below(envelope, 'Section').filter(isDiskSection)].flatMap(
    (section) => below(section, 'Disk'),
  );
  const disks: OvfDisk[] = [];
  for (const element of elements) {
    const id = element.attributes.get('diskId') ?? '';
    const fileRef = element.attributes.get('fileRef');
    if (element.attributes.has('parentRef')) throw refuse(`its disk ${JSON.stringify(id)} is a layer on another one`);
    if (fileRef === undefined || fileRef === '') continue;
    const file = byId.get(fileRef);
    if (file === undefined) throw refuse(`its disk ${JSON.stringify(id)} refers to a file that it does not name`);
    disks.push({ id, file, capacityBytes: capacityOf(element) });
  }
  return { files, disks, emptyDisks: elements.length - disks.length };
}

function readFile({ attributes }: OvfElement): OvfFile {
  const href = attributes.get('href') ?? '';
  if (attributes.has('chunkSize')) {
    throw refuse(
      `its file ${JSON.stringify(href.slice(0, 80))} is cut into several`,
      'Export the machine anew, with each disk in one file.',
    );
  }
  return { id: attributes.get('id') ?? '', href, statedBytes: wholeNumber(attributes.get('size')) };
}

/** VMware's old descriptions have one kind of section, with a type. */
function isDiskSection(element: OvfElement): boolean {
  return /DiskSection_Type$/.test(element.attributes.get('type') ?? '');
}

/** `capacity` times `capacityAllocationUnits`: "byte * 2^30", or a plain factor. Undefined when it says nothing usable. */
function capacityOf({ attributes }: OvfElement): number | undefined {
  const capacity = wholeNumber(attributes.get('capacity'));
  const units = /^byte(?:\s*\*\s*2\s*\^\s*(\d{1,2}))?$/.exec(
    (attributes.get('capacityAllocationUnits') ?? 'byte').trim(),
  );
  if (capacity === undefined || units === null) return undefined;
  const bytes = capacity * 2 ** Number(units[1] ?? 0);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function below(element: OvfElement, name: string): OvfElement[] {
  return element.children.filter((child) => child.name === name && child.namespace === element.namespace);
}

/** @param what the rest of a sentence */
function refuse(what: string, remedy?: string): ImageRefused {
  const reason = `The OVF description in the archive is not read: ${what}.`;
  return new ImageRefused({ check: 'ova.description', reason, ...(remedy === undefined ? {} : { remedy }) });
}
