import { Socket } from 'node:net';
import { addressAttemptTimeout } from './addresses.ts';

/**
 * A socket for node-pg, which has it connect to a port and a host, or to the path of a socket, and tells it nothing of how
 * long we wait.
 */
export function patientSocket(timeout: number): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  return Object.assign(socket, {
    connect: (place: number | string, host = 'localhost') =>
      typeof place === 'string' ? connect(place) : connect({ port: place, host, ...addressAttemptTimeout(timeout) }),
  });
}
