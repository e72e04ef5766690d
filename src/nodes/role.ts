/**
 * What a process does. One that is alone does all of it; on a database and a bucket that several share, each may do a part:
 *
 *   api     answers calls, by gRPC and REST
 *   worker  runs operations, collects garbage
 *   block   has disks: what was written to them is in its data directory, and it serves them over NBD
 */
export const roles = ['api', 'worker', 'block'] as const;
export type Role = (typeof roles)[number];

export function isRole(text: string): text is Role {
  return roles.some((role) => role === text);
}
