import { type BodySink, type ExchangeContext, exchange, type ResponseHead } from './http-exchange.ts';
import { SourceFailed } from './source-failed.ts';
import { basicAuthorization, describeUri } from './source-uri.ts';
import { statusFailure } from './status-failure.ts';

export interface LocationRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Answers of the object itself: whole, a part, it changed, no such part. Everything else is a failure. */
const ANSWERS: ReadonlySet<number> = new Set([200, 206, 412, 416]);

/** What an expired pre-signed address answers, depending on who signed it. */
const EXPIRED: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/**
 * Where the object of an address is: follows redirects, and remembers where they led, so that later requests go
 * there directly (and to the same mirror, whose ETags are its own). A remembered address may expire; a request that
 * finds it so starts over from the first address, once.
 *
 * Every hop is a new connection or one that the policy allowed before. Credentials in the first address are sent to its
 * own origin only; those in a redirect's are not sent at all.
 */
export class HttpLocation {
  readonly #context: ExchangeContext;
  readonly #first: URL;
  readonly #authorization: string | undefined;
  #current: URL;

  constructor(first: URL, context: ExchangeContext) {
    this.#context = context;
    this.#authorization = basicAuthorization(first);
    this.#first = withoutSecretsOfTheClient(first);
    this.#current = this.#first;
  }

  /** The address that was given, without user information and fragment. */
  get first(): URL {
    return this.#first;
  }

  /** Where the object was found last. */
  get current(): URL {
    return this.#current;
  }

  /**
   * One GET, followed to its end. `onHead` gets heads with status 200, 206, 412 or 416 only, and names the body's sink.
   *
   * @throws SourceFailed for every other status, a bad redirect, and a failure of the network
   */
  async get(request: LocationRequest, onHead: (head: ResponseHead) => BodySink | undefined): Promise<void> {
    const start = this.#current;
    const failure = await this.#follow(start, request, onHead);
    if (failure === undefined) return;
    if (start === this.#first || !EXPIRED.has(failure.head.status)) throw statusFailure(failure.url, failure.head);
    // Another request may have found the new place already.
    if (this.#current === start) this.#current = this.#first;
    const again = await this.#follow(this.#current, request, onHead);
    if (again !== undefined) throw statusFailure(again.url, again.head);
  }

  async #follow(
    start: URL,
    request: LocationRequest,
    onHead: (head: ResponseHead) => BodySink | undefined,
  ): Promise<{ url: URL; head: ResponseHead } | undefined> {
    let url = start;
    for (let hops = 0; ; hops++) {
      const here = url;
      let other: ResponseHead | undefined;
      await exchange(this.#context, { ...request, url: here, headers: this.#headersFor(here, request) }, (head) => {
        if (ANSWERS.has(head.status)) {
          this.#current = here;
          return onHead(head);
        }
        other = head;
        return undefined;
      });
      if (other === undefined) return undefined;
      if (!REDIRECTS.has(other.status)) return { url: here, head: other };
      if (hops >= this.#context.limits.maxRedirects) {
        throw badRedirect(here, `The server redirects more than ${this.#context.limits.maxRedirects} times.`);
      }
      url = redirectTarget(here, other.headers.get('location'));
    }
  }

  #headersFor(url: URL, request: LocationRequest): Record<string, string> {
    if (this.#authorization === undefined || url.origin !== this.#first.origin) return { ...request.headers };
    return { ...request.headers, authorization: this.#authorization };
  }
}

function redirectTarget(from: URL, location: string | undefined): URL {
  const to = location === undefined ? null : URL.parse(location, from);
  if (to === null) throw badRedirect(from, 'The server redirects without saying where to.');
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw badRedirect(from, `The server redirects to an address of the form ${to.protocol}, which is not read.`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw badRedirect(from, `The server redirects from https to plain http (${describeUri(to)}).`);
  }
  return withoutSecretsOfTheClient(to);
}

function withoutSecretsOfTheClient(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  return plain;
}

function badRedirect(from: URL, reason: string): SourceFailed {
  return new SourceFailed({ kind: 'bad-redirect', url: describeUri(from), reason });
}
