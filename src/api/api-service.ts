import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import type { Call, PublicCall } from './call.ts';

/** One method of the API as both doors see it. The request given to `handle` is of the type `desc.input`, validated. */
export type ApiMethod = {
  readonly desc: DescMethod;
  /** The full name of the rpc: `yandex.cloud.compute.v1.ImageService/Create`. */
  readonly name: string;
} & (
  | { readonly access: 'public'; handle(request: Message, call: PublicCall): Promise<Message> }
  | { readonly access: 'authenticated'; handle(request: Message, call: Call): Promise<Message> }
);

export interface ApiService {
  readonly desc: DescService;
  readonly methods: readonly ApiMethod[];
}

/** A function for every method of the service, by the method's name in lower camel case. */
export type Handlers<S extends DescService, C> = {
  readonly [K in keyof S['method']]: (
    request: MessageShape<S['method'][K]['input']>,
    call: C,
  ) => Promise<MessageShape<S['method'][K]['output']>>;
};

type ErasedHandler<C> = (request: Message, call: C) => Promise<Message>;

/** A service that answers only those who show a valid token. */
export function authenticatedService<S extends DescService>(desc: S, handlers: Handlers<S, Call>): ApiService {
  return {
    desc,
    methods: desc.methods.map((method) => ({
      desc: method,
      name: rpcName(method),
      access: 'authenticated',
      handle: handlerOf(handlers, method),
    })),
  };
}

/** A service that answers anybody: what clients call before they have a token. */
export function publicService<S extends DescService>(desc: S, handlers: Handlers<S, PublicCall>): ApiService {
  return {
    desc,
    methods: desc.methods.map((method) => ({
      desc: method,
      name: rpcName(method),
      access: 'public',
      handle: handlerOf(handlers, method),
    })),
  };
}

function rpcName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function handlerOf<S extends DescService, C>(handlers: Handlers<S, C>, method: DescMethod): ErasedHandler<C> {
  // `Handlers` has exactly the descriptor's methods, and the doors decode exactly its input types: the compiler cannot
  // follow that through a list of methods, so the types end here.
  const handler = (handlers as unknown as Readonly<Record<string, ErasedHandler<C>>>)[method.localName];
  if (handler === undefined) throw new Error(`no handler for ${rpcName(method)}`);
  return handler;
}
