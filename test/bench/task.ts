/** What one measured process is to do. */
export interface Task {
  readonly side: 'floor' | 'ours';
  /** `write`: a first pull. `compare`: the same contacts again, few or none of them changed. */
  readonly work: 'write' | 'compare';
  readonly baseUrl: string;
  /** Database file; kept between a `write` and the `compare`s after it. */
  readonly file: string;
  readonly total: number;
  /** Pages in flight at once. */
  readonly concurrent: number;
}

/** What it measured. */
export interface Measured {
  /** From the first request to the last commit; starting Node and loading the code do not count. */
  readonly seconds: number;
  /** Processor time of all threads in the same span: what is left of a figure when the machine has other work. */
  readonly cpuSeconds: number;
  readonly records: number;
  /** Records that were written. */
  readonly written: number;
  /** Peak resident set of the process, MiB. */
  readonly peakMib: number;
}

/** Processor time of all threads of this process so far. */
export function cpuSeconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
