import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names this process among all that share a database: host, process id, the space in which that id counts, and chance. */
export function nameOwner(): string {
  return [hostname(), process.pid, processSpace(), randomBytes(4).toString('hex')].join('/');
}

/**
 * Whether the process of that name may still be running. Sure only about processes of this machine and process space: of
 * all others the answer is yes. A process id that was given to another program meanwhile also counts as running.
 */
export function isOwnerAlive(owner: string): boolean {
  const [host, pid, space] = owner.split('/');
  if (host !== hostname() || space !== processSpace()) return true;
  try {
    process.kill(Number(pid), 0);
    return !isZombie(Number(pid));
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Containers count processes each on their own; Linux tells which space this is. */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '';
  }
}

/** A process that ended and was never waited for still has its id. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}
