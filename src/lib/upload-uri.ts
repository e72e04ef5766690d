/**
 * How an image's source names a file that was uploaded to this service: `obraz:upload/UPLOAD_ID`. Like any URI its
 * scheme is in any case; what we write is in lower case.
 */
const pattern = /^obraz:upload\/([a-z0-9]{1,50})$/i;

export function uploadUri(uploadId: string): string {
  return `obraz:upload/${uploadId}`;
}

/** The upload that `uri` names, or undefined when it names something else. */
export function uploadIdOf(uri: string): string | undefined {
  return pattern.exec(uri)?.[1]?.toLowerCase();
}
