import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import { type MethodRule, ruleOf } from '../access/method-rules.ts';
import { OperationSchema } from '../gen/yandex/cloud/operation/operation_pb.ts';
import type { Operation } from '../operations/operation.ts';
import type { Call, PublicCall } from './call.ts';
import { operationMessage } from './yandex/operation-message.ts';

/** One method of the API as both doors see it. The request given to `handle` is of the type `desc.input`, validated. */
export type ApiMethod = {
  readonly desc: DescMethod;
  /** The full name of the rpc: `yandex.cloud.compute.v1.ImageService/Create`. */
  readonly name: string;
} & (
  | { readonly access: 'public'; handle(request: Message, call: PublicCall): Promise<Message> }
  | {
      readonly access: 'authenticated';
      handle(request: Message, call: Call): Promise<Message>;
      /** The reply to a request that started this operation when it came first; undefined where none can be. */
      readonly answerStarted?: AnswerStarted | undefined;
    }
);

export type AnswerStarted = (operation: Operation, request: Message) => Message;

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

/**
 * A service that answers only those who show a valid token. `answerStarted` is for services whose operations have a form of
 * their own.
 */
export function authenticatedService<S extends DescService>(
  desc: S,
  handlers: Handlers<S, Call>,
  answerStarted = usualAnswerStarted,
): ApiService {
  return {
    desc,
    methods: desc.methods.map((method) => ({
      desc: method,
      name: rpcName(method),
      access: 'authenticated',
      handle: handlerOf<Call>(handlers, method, (rule) => rule !== 'public'),
      answerStarted: answerStarted(method),
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
      handle: handlerOf<PublicCall>(handlers, method, (rule) => rule === 'public'),
    })),
  };
}

/** A service some of whose methods answer anybody, and the others only those who show a valid token. */
export function partlyPublicService<S extends DescService, P extends keyof S['method']>(
  desc: S,
  publicHandlers: Pick<Handlers<S, PublicCall>, P>,
  handlers: Omit<Handlers<S, Call>, P>,
): ApiService {
  return {
    desc,
    methods: desc.methods.map((method) => {
      const about = { desc: method, name: rpcName(method) };
      if (!(method.localName in publicHandlers)) {
        const handle = handlerOf<Call>(handlers, method, (rule) => rule !== 'public');
        return { ...about, access: 'authenticated', handle, answerStarted: usualAnswerStarted(method) };
      }
      const handle = handlerOf<PublicCall>(publicHandlers, method, (rule) => rule === 'public');
      return { ...about, access: 'public', handle };
    }),
  };
}

function usualAnswerStarted(method: DescMethod): AnswerStarted | undefined {
  return method.output === OperationSchema ? operationMessage : undefined;
}

function rpcName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Throws unless the method's row in access/method-rules.ts is for a service like this one. */
function handlerOf<C>(
  handlers: object,
  method: DescMethod,
  isRuleFor: (rule: MethodRule) => boolean,
): ErasedHandler<C> {
  const name = rpcName(method);
  if (!isRuleFor(ruleOf(name))) throw new Error(`the row of ${name} in access/method-rules.ts is for another service`);
  // The services' `Handlers` have exactly the descriptor's methods, and the doors decode exactly its input types: the
  // compiler cannot follow that through a list of methods, so the types end here.
  const handler = (handlers as Readonly<Record<string, ErasedHandler<C>>>)[method.localName];
  if (handler === undefined) throw new Error(`no handler for ${name}`);
  return handler;
}
