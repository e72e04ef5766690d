import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Cloud } from '../../folders/folder.ts';
import { type Cloud as CloudMessage, CloudSchema } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';

export function cloudMessage({ createdAt, labels, ...cloud }: Cloud): CloudMessage {
  return create(CloudSchema, { ...cloud, createdAt: timestampFromDate(createdAt), labels: { ...labels } });
}
