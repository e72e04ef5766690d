import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type HardwareGeneration as HardwareGenerationMessage,
  type HardwareGenerationSchema,
  PCITopology,
} from '../../gen/yandex/cloud/compute/v1/hardware_generation_pb.ts';
import type { HardwareGeneration } from '../../resources/hardware-generation.ts';

/** Undefined when the request leaves it to the source. */
export function hardwareGenerationOf(message: HardwareGenerationMessage | undefined): HardwareGeneration | undefined {
  if (message?.features.case === 'generation2Features') return { kind: 'generation2' };
  if (message?.features.case !== 'legacyFeatures') return undefined;
  const { pciTopology } = message.features.value;
  return { kind: 'legacy', pciTopology: pciTopology === PCITopology.PCI_TOPOLOGY_V2 ? 'V2' : 'V1' };
}

export function hardwareGenerationMessage(
  generation: HardwareGeneration,
): MessageInitShape<typeof HardwareGenerationSchema> {
  if (generation.kind === 'generation2') return { features: { case: 'generation2Features', value: {} } };
  const pciTopology = generation.pciTopology === 'V2' ? PCITopology.PCI_TOPOLOGY_V2 : PCITopology.PCI_TOPOLOGY_V1;
  return { features: { case: 'legacyFeatures', value: { pciTopology } } };
}
