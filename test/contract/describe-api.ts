import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescService,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { http } from '../../src/gen/google/api/annotations_pb.ts';
import { operation } from '../../src/gen/yandex/cloud/api/operation_pb.ts';

/**
 * What is on the wire of a type, a line for each thing that may not differ: `Image 1 id string`,
 * `Image.Status = 2 READY`, `ImageService.Get GetImageRequest > Image, GET /compute/v1/images/{image_id}`.
 */
export function describeApi(type: DescMessage | DescEnum | DescService): string[] {
  switch (type.kind) {
    case 'message':
      return type.fields.map((field) => `${type.typeName} ${field.number} ${field.name} ${describeField(field)}`);
    case 'enum':
      return type.values.map(({ number, name }) => `${type.typeName} = ${number} ${name}`);
    case 'service':
      return type.methods.map((method) => {
        const call = `${type.typeName}.${method.name} ${method.input.typeName} > ${method.output.typeName}`;
        const { pattern, body } = hasOption(method, http) ? getOption(method, http) : {};
        const route = pattern?.value === undefined ? 'no route' : `${pattern.case?.toUpperCase()} ${pattern.value}`;
        const { metadata, response } = hasOption(method, operation) ? getOption(method, operation) : {};
        const result =
          metadata === undefined ? '' : `, operation ${shortName(metadata)} > ${shortName(response ?? '')}`;
        return `${call}, ${route}${body === undefined || body === '' ? '' : ` body ${body}`}${result}`;
      });
  }
}

/** The API names these types with their package or without. */
const shortName = (typeName: string) => typeName.split('.').at(-1);

function describeField(field: DescField): string {
  const choice = field.oneof === undefined ? '' : ` in ${field.oneof.name}`;
  switch (field.fieldKind) {
    case 'list':
      return `repeated ${elementName(field)}`;
    case 'map':
      return `map ${scalarName(field.mapKey)} to ${elementName(field)}`;
    default:
      return `${elementName(field)}${choice}`;
  }
}

function elementName(field: DescField): string {
  if (field.message !== undefined) return field.message.typeName;
  if (field.enum !== undefined) return field.enum.typeName;
  return scalarName(field.scalar);
}

/** By the numbers of FieldDescriptorProto.Type. */
function scalarName(scalar: number | undefined): string {
  const names: Readonly<Record<number, string>> = {
    1: 'double',
    2: 'float',
    3: 'int64',
    4: 'uint64',
    5: 'int32',
    8: 'bool',
    9: 'string',
    12: 'bytes',
    13: 'uint32',
  };
  return names[scalar ?? 0] ?? `scalar ${scalar}`;
}
