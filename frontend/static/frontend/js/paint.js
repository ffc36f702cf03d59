// At most ten paints a second from the socket: jobs of one batch run in one animation frame, the newest
// job of each name wins.
const BATCH_MS = 100;
const jobs = new Map();
let timer = 0;
let last = -BATCH_MS;

function flush() {
  timer = 0;
  last = performance.now();
  const batch = [...jobs.values()];
  jobs.clear();
  for (const job of batch) job();
}
/** Run `job` in the next batch, in place of an older job of the same name. */
export function paint(name, job) {
  jobs.set(name, job);
  if (timer) return;
  timer = setTimeout(() => requestAnimationFrame(flush), Math.max(0, BATCH_MS - (performance.now() - last)));
}
