/** Where the blobs are kept, and who we are there. */
export interface S3Settings {
  readonly bucket: string;
  /** What the keys of all our objects begin with; empty, or without a slash at either end. */
  readonly prefix: string;
  readonly region: string;
  /** The server, where it is not AWS's own of the region: `https://s3.example.com`. Its buckets are addressed by path. */
  readonly endpoint: string | undefined;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | undefined;
  };
}

/** For messages: no more than a person needs to find it. */
export function describeBucket({ bucket, prefix, endpoint, region }: S3Settings): string {
  const url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  return `${url} at ${endpoint ?? `AWS, ${region}`}`;
}
