import type { CustomerEncryptionKey, GuestOsFeature } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import type {
  DeprecationStatus,
  Image as ImageMessage,
  InitialStateConfig,
} from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import { type Deprecation, deprecationStates } from '../../../images/deprecation.ts';
import type { Architecture, GuestDetails } from '../../../resources/guest-details.ts';
import { invalidValue, malformedUrl } from '../compute-errors.ts';
import { gibBytes } from '../gib.ts';
import { parseReference } from '../naming/links.ts';
import { checkName } from '../naming/names.ts';

/** What a request says of a resource, checked: the same words and limits for images, disks and snapshots. */

const labelKey = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const labelValue = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
const maxLabels = 64;

const maxDescriptionLength = 2048;
const maxLicenses = 64;
const maxLicenseLength = 1024;
/** The largest disk there is, in GiB: 256 TiB. */
const maxDiskSizeGb = 256n * 1024n;

const featureTypes: ReadonlySet<string> = new Set([
  'BARE_METAL_LINUX_COMPATIBLE',
  'CCA_CAPABLE',
  'FEATURE_TYPE_UNSPECIFIED',
  'GVNIC',
  'IDPF',
  'MULTI_IP_SUBNET',
  'SECURE_BOOT',
  'SEV_CAPABLE',
  'SEV_LIVE_MIGRATABLE',
  'SEV_LIVE_MIGRATABLE_V2',
  'SEV_SNP_CAPABLE',
  'SNP_SVSM_CAPABLE',
  'SUSPEND_RESUME_COMPATIBLE',
  'TDX_CAPABLE',
  'UEFI_COMPATIBLE',
  'VIRTIO_SCSI_MULTIQUEUE',
  'WINDOWS',
]);

/** Of images and snapshots: one place, whose name is kept and means nothing here. */
const location = /^[a-z][a-z0-9-]{0,62}$/;

export function checkFamily(family: string): string {
  return family === '' ? family : checkName('resource.family', family);
}

export function checkDescription(description: string): string {
  if (description.length <= maxDescriptionLength) return description;
  throw invalidValue('resource.description', description, `Must be at most ${maxDescriptionLength} characters long.`);
}

export function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  if (entries.length > maxLabels) {
    throw invalidValue('resource.labels', String(entries.length), `There can be ${maxLabels} labels at most.`);
  }
  for (const [key, value] of entries) {
    const rule = 'at most 63 lower-case letters, digits, _ and -';
    if (!labelKey.test(key)) {
      throw invalidValue('resource.labels', key, `Keys begin with a lower-case letter and have ${rule}.`);
    }
    if (!labelValue.test(value)) throw invalidValue(`resource.labels.${key}`, value, `Values have ${rule}.`);
  }
  return labels;
}

/** Content is not encrypted by keys of callers: who asks for that must know. The keys themselves are not repeated. */
export function refuseKeys<F extends string>(
  resource: { readonly [K in F]?: CustomerEncryptionKey | undefined },
  fields: readonly F[],
): void {
  for (const field of fields) {
    if (resource[field] === undefined) continue;
    throw invalidValue(`resource.${field}`, '(a key)', 'Encryption by keys of callers is not supported.');
  }
}

/** In bytes; 0 when it is not said. */
export function checkSize(field: string, gib: bigint | undefined): number {
  if (gib === undefined || gib === 0n) return 0;
  if (gib > 0n && gib <= maxDiskSizeGb) return Number(gib) * gibBytes;
  throw invalidValue(field, String(gib), `Must be from 1 to ${maxDiskSizeGb}.`);
}

type GuestFields = Pick<ImageMessage, 'architecture' | 'guestOsFeatures' | 'licenses' | 'licenseCodes'>;

export function guestDetailsOf({ architecture, guestOsFeatures, licenses, licenseCodes }: GuestFields): GuestDetails {
  for (const license of licenses) {
    if (license.length > 0 && license.length <= maxLicenseLength) continue;
    throw invalidValue('resource.licenses', license, 'Must be the URL of a license.');
  }
  if (licenses.length > maxLicenses || licenseCodes.length > maxLicenses) {
    throw invalidValue('resource.licenses', String(licenses.length), `There can be ${maxLicenses} licenses at most.`);
  }
  const negative = licenseCodes.find((code) => code < 0n);
  if (negative !== undefined) throw invalidValue('resource.licenseCodes', String(negative), 'Codes are not negative.');
  return {
    architecture: architectureOf(architecture),
    guestOsFeatures: featuresOf(guestOsFeatures),
    licenses: [...licenses],
    licenseCodes: licenseCodes.map(String),
  };
}

/** In any case: Packer sends it in lower case. */
export function architectureOf(text = ''): Architecture | undefined {
  const upper = text.toUpperCase();
  if (upper === '' || upper === 'ARCHITECTURE_UNSPECIFIED') return undefined;
  if (upper === 'X86_64' || upper === 'ARM64') return upper;
  throw invalidValue('resource.architecture', text, 'Must be X86_64 or ARM64.');
}

/** Each once, in the order given. */
function featuresOf(features: readonly GuestOsFeature[]): string[] {
  const types = features.map(({ type = '' }) => type);
  for (const type of types) {
    if (featureTypes.has(type)) continue;
    throw invalidValue('resource.guestOsFeatures[].type', type, `Must be one of ${[...featureTypes].join(', ')}.`);
  }
  return [...new Set(types)].filter((type) => type !== 'FEATURE_TYPE_UNSPECIFIED');
}

export function checkStorageLocations(locations: readonly string[]): readonly string[] {
  if (locations.length > 1) {
    throw invalidValue('resource.storageLocations', locations.join(', '), 'There can be one storage location only.');
  }
  for (const place of locations) {
    if (!location.test(place))
      throw invalidValue('resource.storageLocations', place, 'Must be the name of a location.');
  }
  return locations;
}

const fileTypes: ReadonlySet<string> = new Set(['', 'BIN', 'UNDEFINED', 'X509']);
/** In either alphabet, with its padding or without. */
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Keys and certificates, which nobody here looks into; how much there may be is for the core to say. */
export function checkInitialState(state: InitialStateConfig): InitialStateConfig {
  const { pk, keks, dbs, dbxs } = state;
  for (const { content = '', fileType = '' } of [...(pk === undefined ? [] : [pk]), ...keks, ...dbs, ...dbxs]) {
    const field = 'resource.shieldedInstanceInitialState';
    if (!base64.test(content)) throw invalidValue(`${field}.content`, content, 'Must be in base64.');
    if (!fileTypes.has(fileType)) throw invalidValue(`${field}.fileType`, fileType, 'Must be BIN or X509.');
  }
  return state;
}

/** Undefined where it says nothing: that takes back what was said before. */
export function deprecationOf(status: DeprecationStatus | undefined): Deprecation | undefined {
  const { state = '', replacement = '', deprecated = '', obsolete = '', deleted = '' } = status ?? {};
  const texts = { replacement, deprecated, obsolete, deleted };
  for (const [field, text] of Object.entries(texts)) {
    if (text.length > maxLicenseLength) throw invalidValue(`deprecationStatus.${field}`, text, 'It is too long.');
  }
  if (replacement !== '' && parseReference(replacement, '0')?.kind !== 'image') {
    throw malformedUrl('deprecationStatus.replacement', replacement);
  }
  if (state === '' && Object.values(texts).every((text) => text === '')) return undefined;
  const known = state === '' ? 'ACTIVE' : deprecationStates.find((candidate) => candidate === state);
  if (known === undefined) {
    throw invalidValue('deprecationStatus.state', state, `Must be one of ${deprecationStates.join(', ')}.`);
  }
  return { state: known, ...texts };
}
