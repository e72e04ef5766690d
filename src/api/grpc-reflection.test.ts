import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { credentials, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';
import { startApi } from '../../test/fixtures/api-fixture.ts';

/** One question to the reflection service, as its own package codes it. */
interface ReflectionReply {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
}

type Ask = (question: Record<string, string>) => Promise<ReflectionReply>;

function reflectionClient(target: string): { ask: Ask; close(): void } {
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({ addService: (definition) => definitions.push(definition) });
  const [v1] = definitions;
  assert.ok(v1 !== undefined);
  const client = new (makeGenericClientConstructor(v1, 'ServerReflection'))(target, credentials.createInsecure());
  return {
    async ask(question) {
      const stream = client.ServerReflectionInfo?.();
      stream.write(question);
      const [reply] = await once(stream, 'data');
      stream.end();
      await once(stream.resume(), 'end');
      return reply;
    },
    close: () => client.close(),
  };
}

/** Adds a file after everything it needs, asked for one by one as clients do. */
async function collect(ask: Ask, file: FileDescriptorProto, files: Map<string, FileDescriptorProto>): Promise<void> {
  for (const name of file.dependency) {
    if (files.has(name)) continue;
    const { fileDescriptorResponse } = await ask({ fileByFilename: name });
    const [bytes] = fileDescriptorResponse?.fileDescriptorProto ?? [];
    assert.ok(bytes !== undefined, name);
    await collect(ask, fromBinary(FileDescriptorProtoSchema, Uint8Array.from(bytes)), files);
  }
  files.set(file.name, file);
}

test('reflection describes every service under both names, with all that its files need', async () => {
  await using api = await startApi();
  const { ask, close } = reflectionClient(api.target);
  const { listServicesResponse } = await ask({ listServices: '*' });
  const names = listServicesResponse?.service.map(({ name }) => name) ?? [];
  for (const name of ['compute.v1.ImageService', 'operation.OperationService', 'iam.v1.IamTokenService']) {
    assert.ok(names.includes(name) && names.includes(`yandex.cloud.${name}`), name);
  }
  assert.ok(names.includes('grpc.health.v1.Health'));

  for (const prefix of ['', 'yandex.cloud.']) {
    const symbol = `${prefix}compute.v1.ImageService`;
    const { fileDescriptorResponse } = await ask({ fileContainingSymbol: symbol });
    const [bytes] = fileDescriptorResponse?.fileDescriptorProto ?? [];
    assert.ok(bytes !== undefined);
    const first = fromBinary(FileDescriptorProtoSchema, Uint8Array.from(bytes));
    const files = new Map<string, FileDescriptorProto>();
    await collect(ask, first, files);
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files.values()] }));
    const service = registry.getService(symbol);
    assert.equal(service?.method.get?.input.typeName, `${prefix}compute.v1.GetImageRequest`);
    assert.equal(service?.method.create?.output.typeName, `${prefix}operation.Operation`);
  }
  close();
});

test('health is known for the server and each service, and ends with them', async () => {
  const api = await startApi();
  const Health = makeGenericClientConstructor(healthService, 'Health');
  const client = new Health(api.target, credentials.createInsecure());
  const check = (service: string) =>
    new Promise<unknown>((resolve) => {
      client.Check?.({ service }, (error: { code: number } | null, reply: { status: string }) =>
        resolve(error === null ? reply.status : error.code),
      );
    });
  assert.equal(await check(''), 'SERVING');
  assert.equal(await check('compute.v1.ImageService'), 'SERVING');
  assert.equal(await check('yandex.cloud.compute.v1.ImageService'), 'SERVING');
  assert.equal(await check('nope'), 5);

  const watch = client.Watch?.({ service: '' });
  watch.on('error', () => {}); // the connection is cut in the end
  const [first] = await once(watch, 'data');
  assert.equal(first.status, 'SERVING');
  const closing = api.api.close({ graceMs: 1_000 });
  const [second] = await once(watch, 'data');
  assert.equal(second.status, 'NOT_SERVING');
  watch.cancel();
  await closing;
  client.close();
});
