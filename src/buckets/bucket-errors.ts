import { ServiceError } from '../errors.ts';

/** The sentences are those that clients of the public object store know. */

export function bucketNotFound(): ServiceError {
  const message = 'The specified bucket does not exist.';
  return new ServiceError({ code: 'NOT_FOUND', reason: 'RESOURCE_NOT_FOUND', message });
}

export function objectNotFound({ bucket, name }: { readonly bucket: string; readonly name: string }): ServiceError {
  const message = `No such object: ${bucket}/${name}`;
  return new ServiceError({ code: 'NOT_FOUND', reason: 'RESOURCE_NOT_FOUND', message });
}

export function termsDoNotHold(): ServiceError {
  const message = 'At least one of the pre-conditions you specified did not hold.';
  return new ServiceError({ code: 'FAILED_PRECONDITION', reason: 'CONDITION_NOT_MET', message });
}

export function sessionNotFound(): ServiceError {
  const message = 'There is no such upload: it is over, or was never begun. Begin anew.';
  return new ServiceError({ code: 'NOT_FOUND', reason: 'SESSION_NOT_FOUND', message });
}

export function sessionMovedOn(): ServiceError {
  const message = 'Another request goes on with this upload. Ask where it stands.';
  return new ServiceError({ code: 'ABORTED', reason: 'UPLOAD_TAKEN_OVER', message });
}
