import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import { type HardwareGenerationSchema, PCITopology } from '../gen/yandex/cloud/compute/v1/hardware_generation_pb.ts';
import { CliFailed } from './cli-failed.ts';
import { readFlag } from './flags.ts';

/** The flags that say what virtual hardware a guest expects, as yc names them. */
export interface HardwareFlags {
  readonly hardwareGenerationId?: 'legacy' | 'generation2';
  readonly hardwareFeatures?: Readonly<Record<string, string>>;
}

export function addHardwareFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--hardware-generation-id <id>', 'virtual hardware it boots on').choices(['legacy', 'generation2']),
    )
    .option(
      '--hardware-features <key=value,...>',
      'pci_topology=v1 or v2, of the legacy generation',
      readFlag.keyValues,
    );
}

/** Undefined where the flags leave it to the source. Throws CliFailed for hardware that does not exist. */
export function hardwareGenerationOf({
  hardwareGenerationId,
  hardwareFeatures,
}: HardwareFlags): MessageInitShape<typeof HardwareGenerationSchema> | undefined {
  const { pci_topology: topology, ...unknown } = hardwareFeatures ?? {};
  const [unknownFeature] = Object.keys(unknown);
  if (unknownFeature !== undefined) throw new CliFailed(`there is no hardware feature "${unknownFeature}".`);
  if (hardwareGenerationId === 'generation2') {
    if (topology !== undefined) throw new CliFailed('pci_topology is a feature of the legacy hardware generation.');
    return { features: { case: 'generation2Features', value: {} } };
  }
  if (hardwareGenerationId === undefined && topology === undefined) return undefined;
  return { features: { case: 'legacyFeatures', value: { pciTopology: readTopology(topology) } } };
}

function readTopology(text: string | undefined): PCITopology {
  switch (text?.toLowerCase()) {
    case undefined:
      return PCITopology.PCI_TOPOLOGY_UNSPECIFIED;
    case 'v1':
      return PCITopology.PCI_TOPOLOGY_V1;
    case 'v2':
      return PCITopology.PCI_TOPOLOGY_V2;
    default:
      throw new CliFailed(`pci_topology "${text}" is neither v1 nor v2.`);
  }
}
