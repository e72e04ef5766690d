import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { UnsentReplies } from './unsent-replies.ts';

/** Notes each gRPC reply from its making until its client has taken it. `cut` ends the connection of a peer. */
export function watchReplies(unsent: UnsentReplies, cut: (peer: string) => void): ServerInterceptor {
  return (_method, call) => {
    let taken = () => {};
    const watched = new WatchedCall(call, {
      start: (next) => next({ onCancel: () => taken() }),
    });
    watched.onReply = (bytes) => {
      taken = unsent.add({ bytes, cut: () => cut(call.getPeer()) });
      return taken;
    };
    return watched;
  };
}

/** The library tells the end of a write to the call alone, and to none of its responders. */
class WatchedCall extends ServerInterceptingCall {
  onReply: (bytes: number) => () => void = () => () => {};

  override sendMessage(message: unknown, callback: () => void): void {
    const taken = this.onReply(message instanceof Uint8Array ? message.length : 0);
    super.sendMessage(message, () => {
      taken();
      callback();
    });
  }
}
