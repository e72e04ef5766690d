import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Key, KeyAlgorithm } from '../../accounts/key.ts';
import { Key_Algorithm, type Key as KeyMessage, KeySchema } from '../../gen/yandex/cloud/iam/v1/key_pb.ts';

export function keyMessage({ id, serviceAccountId, createdAt, description, algorithm, publicKeyPem }: Key): KeyMessage {
  return create(KeySchema, {
    id,
    subject: { case: 'serviceAccountId', value: serviceAccountId },
    createdAt: timestampFromDate(createdAt),
    description,
    keyAlgorithm: Key_Algorithm[algorithm],
    publicKey: publicKeyPem,
  });
}

/** What a request says; the public service's default where it says nothing. */
export function keyAlgorithmOf(algorithm: Key_Algorithm): KeyAlgorithm {
  return algorithm === Key_Algorithm.RSA_4096 ? 'RSA_4096' : 'RSA_2048';
}
