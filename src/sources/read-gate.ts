import type { Socket } from 'node:net';

/**
 * Holds the network back while what came has not been taken: nothing is read from the connections, their buffers fill,
 * and TCP tells the servers to wait.
 *
 * The HTTP client could be told to pause a response instead. But undici 7 ends the whole process by a failed assertion
 * when a server closes the connection of a paused response (nodejs/undici#5360; it happens with every HTTP/1.0 server),
 * and newer ones stop holding back then. So the gate stands below it, in the one call by which it takes bytes: a socket
 * that answers `read()` with null has nothing at the moment, and its end comes after its last byte.
 */
export class ReadGate {
  readonly #sockets = new Set<Socket>();
  #holds = 0;

  /** The socket is read through the gate from now on. */
  add(socket: Socket): void {
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => (this.#holds > 0 ? null : read(size));
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Nothing is read until `until` settles, and every other hold. */
  hold(until: Promise<unknown>): void {
    this.#holds += 1;
    const release = () => {
      this.#holds -= 1;
      if (this.#holds > 0) return;
      for (const socket of this.#sockets) socket.emit('readable');
    };
    until.then(release, release);
  }
}
