import { clone, type DescFile, toBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';
import type { ApiService } from './api-service.ts';
import { unprefixed } from './unprefixed-names.ts';

/** What the reflection service is made from: proto-loader's form of a set of files. */
type PackageDefinition = ConstructorParameters<typeof ReflectionService>[0];

/**
 * Extensions may be declared once only among all the files a client sees, so this file, which declares one, has no
 * neutral copy; the copies of others go on using it.
 */
const sharedPackage = 'yandex.cloud.api';

/** The reflection service, which describes each service under both of its names, and the health service. */
export function createReflection(services: readonly ApiService[]): ReflectionService {
  const files = new Map<string, FileDescriptorProto>();
  for (const { desc } of services) collect(desc.file, files);
  const neutral = [...files.values()].flatMap((file) => neutralCopy(file) ?? []);
  const fileDescriptorProtos = [...files.values(), ...neutral].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file)),
  );
  const names = services.flatMap(({ desc }) => [desc.typeName, unprefixed(desc.typeName) ?? []].flat());
  const definition: PackageDefinition = {
    // The key and the type do not matter to the reflection service: it reads the files only.
    api: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos },
    'grpc.health.v1.Health': healthService,
    ...healthTypes(),
  };
  return new ReflectionService(definition, { services: [...names, 'grpc.health.v1.Health'] });
}

function healthTypes(): PackageDefinition {
  const check = healthService.Check;
  if (check === undefined || !('requestType' in check)) return {};
  return { 'grpc.health.v1.HealthCheckRequest': check.requestType };
}

function collect(file: DescFile, files: Map<string, FileDescriptorProto>): void {
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, file.proto);
  for (const dependency of file.dependencies) collect(dependency, files);
}

/** The file with `yandex.cloud.` taken off its package, its path, and every type it refers to. */
function neutralCopy(file: FileDescriptorProto): FileDescriptorProto | undefined {
  const packageName = unprefixed(file.package);
  if (packageName === undefined || file.package === sharedPackage) return undefined;
  const copy = clone(FileDescriptorProtoSchema, file);
  copy.package = packageName;
  copy.name = neutralPath(file.name);
  copy.dependency = file.dependency.map(neutralPath);
  copy.messageType.forEach(renameTypes);
  for (const method of copy.service.flatMap(({ method }) => method)) {
    method.inputType = neutralReference(method.inputType);
    method.outputType = neutralReference(method.outputType);
  }
  return copy;
}

function renameTypes(message: DescriptorProto): void {
  for (const field of message.field) field.typeName = neutralReference(field.typeName);
  message.nestedType.forEach(renameTypes);
}

/** References are absolute: they begin with a dot. */
function neutralReference(name: string): string {
  return name.startsWith(`.${sharedPackage}.`) ? name : name.replace(/^\.yandex\.cloud\./, '.');
}

function neutralPath(path: string): string {
  return path.startsWith('yandex/cloud/api/') ? path : path.replace(/^yandex\/cloud\//, '');
}
