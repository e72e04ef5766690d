import { choiceOf, type JsonObject, objectOf } from '../lib/json.ts';

/** What virtual hardware the guest expects. */
export type HardwareGeneration =
  | { readonly kind: 'legacy'; readonly pciTopology: 'V1' | 'V2' }
  | { readonly kind: 'generation2' };

/** What no request and no source says: the oldest generation, which every guest can boot on. */
export const defaultHardwareGeneration: HardwareGeneration = { kind: 'legacy', pciTopology: 'V1' };

export function hardwareGenerationToJson(generation: HardwareGeneration): JsonObject {
  return { ...generation };
}

export function hardwareGenerationFromJson(value: unknown): HardwareGeneration {
  const json = objectOf(value, 'hardwareGeneration');
  const kind = choiceOf(json.kind, ['legacy', 'generation2'], 'kind');
  if (kind === 'generation2') return { kind };
  return { kind, pciTopology: choiceOf(json.pciTopology, ['V1', 'V2'], 'pciTopology') };
}
