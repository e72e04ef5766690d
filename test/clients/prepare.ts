import {
  type Prepared,
  prepareGcloud,
  prepareGo,
  prepareGoogleNode,
  prepareGoogleTerraform,
  prepareGrpcurl,
  preparePython,
  prepareS3Server,
  prepareTerraform,
} from './prepared.ts';

/**
 * Gets ready what the tests of a client need (`node test/clients/prepare.ts python`, or another of the folders below; `s3` for the S3 server of test/s3),
 * so that they only run it: CI does so before the tests, and leaves out the clients that cannot be had. Exits with 3 for those, and says why.
 */
const preparations: Readonly<Record<string, () => Promise<readonly Prepared[]>>> = {
  python: async () => [await preparePython()],
  go: async () => [
    await prepareGo('go/v2'),
    await prepareGo('go/v1'),
    await prepareGo('go/packer'),
    await prepareGo('go/packer', 'import'),
    await prepareGrpcurl(),
  ],
  terraform: async () => [await prepareTerraform()],
  s3: async () => [await prepareS3Server()],
  gcloud: async () => [await prepareGcloud()],
  'google-nodejs': async () => [await prepareGoogleNode('cloud-story.mjs'), await prepareGoogleNode('apis-story.mjs')],
  'google-python': async () => [await preparePython('google-python')],
  'google-terraform': async () => [await prepareGoogleTerraform()],
};

const [name = ''] = process.argv.slice(2);
const prepare = preparations[name];
if (prepare === undefined) {
  console.error(`prepare: "${name}" is none of ${Object.keys(preparations).join(', ')}`);
  process.exitCode = 2;
} else {
  const started = Date.now();
  const missing = (await prepare()).flatMap((prepared) => ('missing' in prepared ? [prepared.missing] : []));
  for (const reason of new Set(missing)) {
    console.error(`prepare: the clients in ${name} are left out: ${reason}`);
    process.exitCode = 3;
  }
  console.log(`prepare: ${name} took ${Math.round((Date.now() - started) / 1000)} s`);
}
