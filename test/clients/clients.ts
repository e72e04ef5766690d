import { type Step, stepNames } from './steps.ts';

/** A client that is tested as it is published: nothing in it is changed. */
export interface Client<Name extends string = Step> {
  /** With the version that is tested. */
  readonly title: string;
  /** The steps of its story; its test fails when it does others. */
  readonly does: readonly Name[];
  /** What its users set, and what keeps it from the other steps. */
  readonly notes: string;
}

export type ClientName = 'python' | 'go-v2' | 'go-v1' | 'nodejs' | 'packer';

/** What docs/compatibility.md says of clients is made of this table, and the tests hold it to what they do. */
export const clients: Readonly<Record<ClientName, Client>> = {
  python: {
    title: 'Python: yandexcloud 0.413.0',
    does: stepNames,
    notes: '`SDK(endpoint="localhost:8443", root_certificates=…)`, then as always.',
  },
  'go-v2': {
    title: 'Go: go-sdk/v2 v2.188.0',
    does: stepNames,
    notes:
      '`options.WithDiscoveryEndpoint("localhost:8443")`; the CA only by `SSL_CERT_FILE`, because its connection to the endpoint takes no other. Its clients of the compute service are in a module of their own, which not every proxy offers: the test asks the SDK for connections and waits with its operations, as those clients do.',
  },
  'go-v1': {
    title: 'Go: go-sdk v0.33.0',
    does: stepNames,
    notes: '`ycsdk.Config{Endpoint: "localhost:8443"}`; the CA by `TLSConfig` or `SSL_CERT_FILE`.',
  },
  nodejs: {
    title: 'Node: @yandex-cloud/nodejs-sdk 3.2.0',
    does: stepNames.filter((step) => step !== 'discovery'),
    notes:
      "Does not discover: it has a table of hosts. Name the endpoint to each `session.client()` and to `waitForOperation()`; a key's exchange has no such argument, so for keys lead `iam.api.cloud.yandex.net` here, serve with `--tls-name iam.api.cloud.yandex.net`, and set `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`.",
  },
  packer: {
    title: 'Packer: packer-plugin-yandex v1.1.2',
    does: [
      'discovery',
      'iam-token',
      'service-account-key',
      'create-from-uri',
      'get',
      'list',
      'latest-by-family',
      'disk',
      'image-from-disk',
      'delete',
    ],
    notes:
      "The plugin's own driver and the SDK that it holds. A build with the `packer` binary (1.15.0) finds its source image here, makes its disk (where `subnet_id` is set: there is no service `vpc`), and ends where it needs a machine; it removes the disk then. The post-processor `yandex-import` works whole, with a bucket of this service (`test/clients/go/packer-import.test.ts`): lead `storage.yandexcloud.net` and `BUCKET.storage.yandexcloud.net` here, and serve with `--tls-name` for both.",
  },
};
