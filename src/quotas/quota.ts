/**
 * The quotas of a cloud, by their public names (https://yandex.cloud/en/docs/compute/concepts/limits, and the same page of
 * IAM and of Resource Manager). Operations and attachments have no public name; operations are there counted by folder.
 *
 * `words` are what a refusal says: `The limit on maximum number of images has exceeded.`
 */
const quotas = {
  'compute.images.count': { unit: 'count', words: 'maximum number of images' },
  'compute.images.size': { unit: 'bytes', words: 'total size of images' },
  'compute.diskPools.count': { unit: 'count', words: 'maximum number of pooled images' },
  'compute.disks.count': { unit: 'count', words: 'maximum number of disks' },
  'compute.hddDisks.size': { unit: 'bytes', words: 'total size of network-hdd disks' },
  'compute.ssdDisks.size': { unit: 'bytes', words: 'total size of network-ssd disks' },
  'compute.ssdNonReplicatedDisks.size': { unit: 'bytes', words: 'total size of network-ssd-nonreplicated disks' },
  'compute.ssdIOM3Disks.size': { unit: 'bytes', words: 'total size of network-ssd-io-m3 disks' },
  'compute.snapshots.count': { unit: 'count', words: 'maximum number of snapshots' },
  'compute.snapshots.size': { unit: 'bytes', words: 'total size of snapshots' },
  'compute.operations.count': { unit: 'count', words: 'maximum number of active operations' },
  'compute.attachments.count': { unit: 'count', words: 'maximum number of attachments' },
  'resource-manager.folders.count': { unit: 'count', words: 'maximum number of folders' },
  'iam.serviceAccounts.count': { unit: 'count', words: 'maximum number of service accounts' },
  'iam.authorizedKeys.count': { unit: 'count', words: 'maximum number of authorized keys' },
  'iam.accessKeys.count': { unit: 'count', words: 'maximum number of access keys' },
} as const satisfies Readonly<Record<string, { readonly unit: QuotaUnit; readonly words: string }>>;

export type QuotaUnit = 'count' | 'bytes';
export type QuotaName = keyof typeof quotas;

export const quotaNames: readonly QuotaName[] = Object.keys(quotas).filter(isQuotaName);

export function isQuotaName(text: string): text is QuotaName {
  return Object.hasOwn(quotas, text);
}

export function quotaUnit(name: QuotaName): QuotaUnit {
  return quotas[name].unit;
}

export function quotaWords(name: QuotaName): string {
  return quotas[name].words;
}

/** The highest limit there can be: with the largest disk on top, a sum of bytes still is a whole number below 2^53. */
export const maxQuota = 8 * 10 ** 15;

/** What a cloud may use where nothing else is said: more than one installation is likely to have. */
export function usualQuota(name: QuotaName): number {
  switch (name) {
    case 'resource-manager.folders.count':
      return 1_000;
    case 'compute.operations.count':
    case 'compute.attachments.count':
    case 'iam.serviceAccounts.count':
    case 'iam.authorizedKeys.count':
    case 'iam.accessKeys.count':
      return 10_000;
    default:
      return quotaUnit(name) === 'bytes' ? 4 * 1024 ** 5 : 10_000_000;
  }
}

/** What a cloud may use, and uses, of one quota. */
export interface Quota {
  readonly cloudId: string;
  readonly name: QuotaName;
  readonly limit: number;
  /** What would be the limit, were there none of the cloud's own. */
  readonly defaultLimit: number;
  readonly used: number;
}

/** The quota that a disk's bytes count under. A type that the public service does not have counts as network-hdd. */
export function diskSizeQuota(typeId: string): QuotaName {
  switch (typeId) {
    case 'network-ssd':
      return 'compute.ssdDisks.size';
    case 'network-ssd-nonreplicated':
      return 'compute.ssdNonReplicatedDisks.size';
    case 'network-ssd-io-m3':
      return 'compute.ssdIOM3Disks.size';
    default:
      return 'compute.hddDisks.size';
  }
}
