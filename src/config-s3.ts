import type { S3Settings } from './blobs/s3/s3-settings.ts';
import type { ConfigProblem, Environment } from './config-problem.ts';
import { parseBaseUrl } from './config-values.ts';

/** Servers that speak S3 and have no regions take any. */
const anyRegion = 'us-east-1';

/** 3 to 63 of these, as every server takes them; with dots in it, no certificate fits the bucket's host name. */
const bucketPattern = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
/** Plain words, so that a key is the same in every escaping. */
const prefixPattern = /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/;

/** `s3://bucket` or `s3://bucket/prefix`, with a slash at its end or without. */
export function parseS3Url(text: string): Pick<S3Settings, 'bucket' | 'prefix'> | undefined {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*?)\/?)?$/.exec(text) ?? [];
  if (!bucketPattern.test(bucket) || (prefix !== '' && !prefixPattern.test(prefix)) || prefix.length > 512) {
    return undefined;
  }
  return { bucket, prefix };
}

/**
 * The bucket that OBRAZ_BLOBS names, with the server and the keys that the variables of AWS's own tools name; undefined
 * without it. Nothing else is asked for them: no file of the user's, no metadata service.
 */
export function readS3Settings(environment: Environment, problems: ConfigProblem[]): S3Settings | undefined {
  const url = environment.OBRAZ_BLOBS;
  if (!url) return undefined;
  const place = parseS3Url(url);
  if (place === undefined) {
    problems.push({ setting: 'OBRAZ_BLOBS', value: url, remedy: 'give s3://BUCKET or s3://BUCKET/PREFIX' });
  }
  const required = (variable: string, remedy: string): string => {
    const value = environment[variable] ?? '';
    if (value === '') problems.push({ setting: variable, value: '', remedy });
    return value;
  };
  const keys = 'OBRAZ_BLOBS needs it: give a key that may read, write, list and delete in the bucket';
  const accessKeyId = required('AWS_ACCESS_KEY_ID', keys);
  const secretAccessKey = required('AWS_SECRET_ACCESS_KEY', keys);
  const endpoint = readEndpoint(environment, problems);
  const given = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || (endpoint === undefined ? '' : anyRegion);
  const region = given || required('AWS_REGION', 'OBRAZ_BLOBS needs it: give the region of the bucket');
  return {
    bucket: place?.bucket ?? '',
    prefix: place?.prefix ?? '',
    region,
    endpoint,
    credentials: { accessKeyId, secretAccessKey, sessionToken: environment.AWS_SESSION_TOKEN || undefined },
  };
}

/** AWS's own endpoints are found by the region, with the bucket in their host name. */
function readEndpoint(environment: Environment, problems: ConfigProblem[]): string | undefined {
  for (const variable of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']) {
    const value = environment[variable];
    if (!value) continue;
    const endpoint = parseBaseUrl(value);
    if (endpoint !== undefined) return isAws(endpoint) ? undefined : endpoint;
    problems.push({ setting: variable, value, remedy: 'give an address, for example https://s3.example.com' });
  }
  return undefined;
}

function isAws(endpoint: string): boolean {
  return /^https?:\/\/s3[.-][a-z0-9-]*\.?amazonaws\.com(\.cn)?$/.test(endpoint);
}
