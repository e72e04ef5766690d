/**
 * What is recorded of the calls of a method: what changes something is, whether it succeeds or not; of logins, which change
 * nothing, only those that fail. The name of a method tells: an rpc that reads is called Get..., List...,
 * AggregatedList, Wait or TestIamPermissions, and a route that does has GET or HEAD.
 */
export type Audited = 'changes' | 'refusals' | 'nothing';

const reads = /\/((Get|List)[A-Za-z]*|AggregatedList|Wait|TestIamPermissions)$|^(GET|HEAD) /;

const exceptions: Readonly<Record<string, Audited>> = {
  'yandex.cloud.iam.v1.IamTokenService/Create': 'refusals',
  'POST /token': 'refusals',
  // A file comes in thousands of them, and is of no use to anybody until an image is made of it.
  'PATCH /obraz/v1/uploads/{upload_id}': 'refusals',
  'PUT /s3/{bucket}/{object}?partNumber&uploadId': 'refusals',
};

export function auditedOf(method: string): Audited {
  return exceptions[method] ?? (reads.test(method) ? 'nothing' : 'changes');
}
