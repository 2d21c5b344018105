// Following one job of the server until it ends.
import { api } from './api';
import type { Job } from './types';

const EVERY_MS = 400;
export const ended = (j: Job) => j.state === 'done' || j.state === 'failed' || j.state === 'cancelled';

export async function follow(job: Job, seen: (j: Job) => void, signal: AbortSignal): Promise<Job> {
  let j = job;
  seen(j);
  while (!ended(j)) {
    await new Promise((r) => setTimeout(r, EVERY_MS));
    if (signal.aborted) return j;
    j = await api.get<Job>(`/jobs/${encodeURIComponent(job.id)}`);
    seen(j);
  }
  return j;
}
