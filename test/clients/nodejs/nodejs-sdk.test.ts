import { join } from 'node:path';
import { startProxyToOneHost } from '../../fixtures/proxy-to-one-host.ts';
import { testStory } from '../test-story.ts';

/**
 * The SDK has the real cloud's hosts in a table. Those who can't name others for every client, or who exchange a key for
 * tokens, lead these hosts to the service in their network, and have it serve their names; the SDK's gRPC library then
 * needs to know our CA. A proxy by the variable that this library reads stands in here for the network.
 */
const hosts = ['compute', 'operation', 'iam', 'resource-manager'].map((part) => `${part}.api.cloud.yandex.net`);

const story = [process.execPath, join(import.meta.dirname, 'story.ts')];

testStory(
  'nodejs',
  { command: story },
  {
    flags: hosts.flatMap((host) => ['--tls-name', host]),
    async lead(stage) {
      const proxy = await startProxyToOneHost(stage.obraz.endpoint);
      return {
        variables: { grpc_proxy: proxy.url, no_grpc_proxy: '' },
        [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
      };
    },
  },
);
