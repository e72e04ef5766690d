import { parseByteSize } from '../byte-size.ts';
import { CliFailed } from '../cli-failed.ts';
import { parseOrigin } from './allowed-origins.ts';
import type { FamilyEntry, FamilySource, ImageList } from './image-list.ts';
import { ListFields } from './list-fields.ts';

const defaultKeep = 3;
const maxKeep = 1000;
/** The API's limits of a disk, in bytes. */
const diskLimits = { min: 4 * 2 ** 20, max: 4 * 2 ** 40 };
/** The API's rule for families, as families of images must be named. */
const familyPattern = /^[a-z][-a-z0-9]{1,61}[a-z0-9]$/;
const defaultItem = 'disk1.img';

/** Reads a list of families out of YAML. Throws CliFailed that names all that is wrong with it. */
export async function readImageList(text: string, name: string): Promise<ImageList> {
  const problems: string[] = [];
  const fields = ListFields.of(await parseYaml(text, name), '', problems);
  const origins = (fields.texts('origins') ?? []).map((origin) => readOrigin(origin, problems));
  const keep = fields.count('keep', maxKeep) ?? defaultKeep;
  const families = (fields.list('families') ?? []).map((entry, index) =>
    readFamily(ListFields.of(entry, `families[${index}]`, problems), keep),
  );
  fields.end();
  if (families.length === 0 && problems.length === 0) problems.push('families: name one at least');
  const names = families.map(({ family }) => family);
  const twice = names.filter((family, index) => family !== '' && names.indexOf(family) !== index);
  for (const family of new Set(twice)) problems.push(`families: "${family}" is there more than once`);
  if (problems.length > 0) throw new CliFailed([`${name} is not a list of images:`, ...problems].join('\n  '));
  return { origins, families };
}

async function parseYaml(text: string, name: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import('yaml'); // 25 ms that other commands need not wait for
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    if (cause instanceof YAMLParseError || cause instanceof ReferenceError) {
      throw new CliFailed(`${name} is not YAML: ${cause.message.trimEnd()}`, { cause });
    }
    throw cause;
  }
}

function readOrigin(text: string, problems: string[]): string {
  const origin = parseOrigin(text);
  if (origin !== undefined) return origin;
  problems.push(`origins: "${text}" is not an origin such as https://example.com or https://*.example.com`);
  return '';
}

function readFamily(fields: ListFields, keepOfAll: number): FamilyEntry {
  const family = fields.text('family', familyPattern, "3-63 of a-z, 0-9 and '-', from a letter to a letter or digit");
  const source = readSource(fields);
  const entry: FamilyEntry = {
    family: family ?? fields.missing('family', ''),
    keep: fields.count('keep', maxKeep) ?? keepOfAll,
    source: source ?? fields.missing('simplestreams, sums or url', { kind: 'sums', url: '', file: '' }),
    description: fields.text('description', /^.{0,256}$/s, 'at most 256 characters') ?? '',
    labels: fields.textMap('labels') ?? {},
    minDiskSizeBytes: readMinDiskSize(fields),
    osType: fields.choice('os', ['linux', 'windows']) ?? 'linux',
    pooled: fields.flag('pooled') ?? false,
  };
  fields.end();
  return entry;
}

/** Each way to find what is newest has fields of its own; those of the others are not known then. */
function readSource(fields: ListFields): FamilySource | undefined {
  const stream = fields.url('simplestreams');
  if (stream !== undefined) {
    const product = fields.text('product') ?? fields.missing('product', '');
    return { kind: 'simplestreams', url: stream, product, item: fields.text('item') ?? defaultItem };
  }
  const sums = fields.url('sums');
  if (sums !== undefined) {
    const file = fields.text('file', /^[^/\\]{1,255}$/, 'the name of a file, with * for what changes');
    return { kind: 'sums', url: sums, file: file ?? fields.missing('file', '') };
  }
  const url = fields.url('url');
  if (url === undefined) return undefined;
  const sha256 = fields.text('sha256', /^[0-9a-f]{64}$/i, '64 hexadecimal digits')?.toLowerCase();
  const sha512 = fields.text('sha512', /^[0-9a-f]{128}$/i, '128 hexadecimal digits')?.toLowerCase();
  if (sha256 !== undefined) return { kind: 'file', url, digest: { algorithm: 'sha256', hex: sha256 } };
  if (sha512 !== undefined) return { kind: 'file', url, digest: { algorithm: 'sha512', hex: sha512 } };
  return { kind: 'file', url, digest: fields.missing('sha256 or sha512', { algorithm: 'sha256', hex: '' }) };
}

function readMinDiskSize(fields: ListFields): number {
  const text = fields.text('min_disk_size');
  if (text === undefined) return 0;
  const size = parseByteSize(text);
  if (size !== undefined && size >= diskLimits.min && size <= diskLimits.max) return size;
  return fields.wrong('min_disk_size', `"${text}" is not a size from 4MB to 4TB, such as 10GB`, 0);
}
