import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { boundNouns } from '../../access/access-binding.ts';
import { deltasFromJson } from '../../access/access-binding-json.ts';
import {
  AccessBindingsOperationResultSchema,
  SetAccessBindingsMetadataSchema,
  UpdateAccessBindingsMetadataSchema,
} from '../../gen/yandex/cloud/access/access_pb.ts';
import { accessBindingsKind } from '../../resource-manager/operation-names.ts';
import { accessBindingDeltaMessage } from './access-binding-messages.ts';
import type { KindMessages } from './kind-messages.ts';

const response: KindMessages['response'] = (result) => {
  const effectiveDeltas = deltasFromJson(result).map(accessBindingDeltaMessage);
  return anyPack(AccessBindingsOperationResultSchema, create(AccessBindingsOperationResultSchema, { effectiveDeltas }));
};

const setMessages: KindMessages = {
  metadata: ({ resourceId }) =>
    anyPack(SetAccessBindingsMetadataSchema, create(SetAccessBindingsMetadataSchema, { resourceId })),
  response,
};

const updateMessages: KindMessages = {
  metadata: ({ resourceId }) =>
    anyPack(UpdateAccessBindingsMetadataSchema, create(UpdateAccessBindingsMetadataSchema, { resourceId })),
  response,
};

/** What operations on access bindings carry, by their kind: the same for whatever the bindings are on. */
export const accessOperationMessages: Readonly<Record<string, KindMessages>> = Object.fromEntries(
  boundNouns.flatMap((noun) => [
    [accessBindingsKind('set', noun), setMessages],
    [accessBindingsKind('update', noun), updateMessages],
  ]),
);
