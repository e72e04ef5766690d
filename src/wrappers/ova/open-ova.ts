import { ImageRefused } from '../../formats/image-refused.ts';
import { listed, mustHavePlainNames, type OpenArchiveOptions, type OpenedArchive } from '../tar/opened-archive.ts';
import type { TarMember } from '../tar/read-members.ts';
import { readManifest, verifyMember } from './manifest.ts';
import { type OvfDescription, readOvf } from './read-ovf.ts';

/**
 * The one disk of an OVA (DSP0243): a tar archive of a description (.ovf), perhaps a manifest (.mf) and a certificate
 * (.cert) of the description's name, and the files that the description refers to. Nothing else may be in it.
 *
 * Every member that the manifest names is held against its digest before this returns. The certificate's signature is
 * not checked: there is nobody whose word it could be held against.
 *
 * @throws ImageRefused
 */
export async function openOva(
  members: readonly TarMember[],
  notes: readonly string[],
  options: OpenArchiveOptions,
): Promise<OpenedArchive> {
  mustHavePlainNames(members);
  const description = onlyDescription(members);
  const base = description.name.slice(0, -'.ovf'.length);
  const byName = new Map(members.map((member) => [member.name, member]));
  const manifest = byName.get(`${base}.mf`);
  const ovf = readOvf(await readText(description, options));
  checkMembers(members, ovf, new Set([description.name, `${base}.mf`, `${base}.cert`]));
  const disk = onlyDisk(ovf);
  const member = memberOf(byName, disk.file.href);
  const verified = manifest === undefined ? 0 : await verify(manifest, byName, options);

  const ignored = ovf.files.map(({ href }) => href).filter((href) => href !== member.name && byName.has(href));
  const told = [...notes];
  if (manifest === undefined)
    told.push('The archive has no manifest: nothing shows that its files are as they were exported.');
  if (ovf.emptyDisks > 0) told.push(`The machine has ${ovf.emptyDisks} more disks, which are empty and not imported.`);
  if (ignored.length > 0) told.push(`The machine has other files, which are not imported: ${ignored.length}.`);
  const { statedBytes } = disk.file;
  if (statedBytes !== undefined && statedBytes !== member.sizeBytes) {
    told.push(`The description says that the disk file has ${statedBytes} bytes; it has ${member.sizeBytes}.`);
  }
  return {
    source: member.bytes,
    report: {
      layer: 'ova',
      description: description.name,
      member: member.name,
      bytes: member.sizeBytes,
      statedCapacityBytes: disk.capacityBytes,
      verifiedMembers: verified,
      ignoredMembers: ignored,
      notes: told,
    },
    format: undefined,
  };
}

function onlyDescription(members: readonly TarMember[]): TarMember {
  const [description, second] = members.filter(({ name }) => /\.ovf$/i.test(name));
  if (description === undefined || second !== undefined) {
    throw refuse('ova.description', 'The archive has more than one OVF description in it.');
  }
  return description;
}

function checkMembers(members: readonly TarMember[], ovf: OvfDescription, own: ReadonlySet<string>): void {
  const referred = new Set(ovf.files.map(({ href }) => href));
  const stranger = members.find(({ name }) => !own.has(name) && !referred.has(name));
  if (stranger === undefined) return;
  const reason = `The archive has the file ${JSON.stringify(stranger.name.slice(0, 80))} in it, which its OVF description does not name.`;
  throw refuse('ova.unexpected-member', reason);
}

function onlyDisk(ovf: OvfDescription): OvfDescription['disks'][number] {
  const [disk, second] = ovf.disks;
  if (disk === undefined) throw refuse('ova.no-disk', 'The OVF description in the archive has no disk with a file.');
  if (second === undefined) return disk;
  const names = ovf.disks.slice(0, 10).map(({ file }) => JSON.stringify(file.href.slice(0, 80)));
  throw refuse(
    'ova.several-disks',
    `The machine in the archive has ${ovf.disks.length} disks, and an image is made of one: ${names.join(', ')}.`,
    'Unpack each and import it by itself: tar -xf FILE NAME',
  );
}

function memberOf(byName: ReadonlyMap<string, TarMember>, href: string): TarMember {
  const member = byName.get(href);
  if (member !== undefined) return member;
  const there = listed([...byName.values()]);
  const reason = `The OVF description in the archive refers to the disk file ${JSON.stringify(href.slice(0, 80))}, which is not in it. There are: ${there}.`;
  throw refuse('ova.file-reference', reason);
}

async function verify(
  manifest: TarMember,
  byName: ReadonlyMap<string, TarMember>,
  options: OpenArchiveOptions,
): Promise<number> {
  const entries = readManifest(await readText(manifest, options));
  const missing = entries.find(({ name }) => !byName.has(name));
  if (missing !== undefined) {
    throw refuse(
      'ova.manifest',
      `The manifest names ${JSON.stringify(missing.name.slice(0, 80))}, which is not in the archive.`,
    );
  }
  await options.makeLocal();
  for (const entry of entries) {
    const member = byName.get(entry.name);
    if (member !== undefined) await verifyMember(member.bytes, entry, options.signal);
  }
  return entries.length;
}

async function readText(
  { name, sizeBytes, bytes }: TarMember,
  { limits, signal }: OpenArchiveOptions,
): Promise<Uint8Array> {
  if (sizeBytes > limits.maxTextBytes) {
    const reason = `The file ${JSON.stringify(name)} in the archive has ${sizeBytes} bytes; at most ${limits.maxTextBytes} are read.`;
    throw refuse('ova.text-size', reason);
  }
  return await bytes.read(0, sizeBytes, { signal });
}

function refuse(check: string, reason: string, remedy?: string): ImageRefused {
  return new ImageRefused({ check, reason, ...(remedy === undefined ? {} : { remedy }) });
}
