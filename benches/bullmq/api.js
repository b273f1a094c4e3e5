// The job API as one would write it with express and BullMQ: POST answers 202, GET a job's status.
// Usage: node api.js REDIS_PORT JOBS IDS_FILE; prints {"listen": PORT} when JOBS jobs are stored.
const { Queue } = require('bullmq');
const { randomUUID } = require('node:crypto');
const express = require('express');
const fs = require('node:fs');

const [port, jobs, idsFile] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port) };
const queue = new Queue('download', { connection });
const options = () => ({
  jobId: randomUUID(),
  attempts: 3,
  backoff: { type: 'exponential', delay: 2000 },
  removeOnComplete: { age: 7 * 24 * 3600 },
  removeOnFail: { age: 7 * 24 * 3600 },
});
const STATUS = { completed: 'completed', failed: 'failed', active: 'processing' };

const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '16kb' }));

app.post('/v1/jobs/download', async (request, response) => {
  const data = { owner: 'local', file_id: request.body.file_id, file_name: 'film.mkv' };
  const job = await queue.add('file', data, options());
  const checkUrl = `/v1/jobs/${job.id}`;
  response.status(202).location(checkUrl).json({ jobId: job.id, status: 'pending', checkUrl });
});

app.get('/v1/jobs/:id', async (request, response) => {
  const job = await queue.getJob(request.params.id);
  if (!job) return response.status(404).json({ code: 'unknown_job' });
  const state = await job.getState();
  response.set('Cache-Control', 'no-cache, no-store, must-revalidate').json({
    jobId: job.id,
    status: STATUS[state] ?? 'pending',
    progress: typeof job.progress === 'number' ? job.progress : 0,
    result: job.returnvalue ?? null,
    error: job.failedReason ?? null,
    attempt: job.attemptsMade,
    maxAttempts: job.opts.attempts,
    fileName: job.data.file_name,
    createdAt: new Date(job.timestamp).toISOString(),
    updatedAt: new Date(job.processedOn ?? job.timestamp).toISOString(),
  });
});

async function main() {
  await queue.waitUntilReady();
  const ids = [];
  while (ids.length < Number(jobs)) {
    const size = Math.min(1000, Number(jobs) - ids.length);
    const data = { owner: 'local', file_id: 70000, file_name: 'film.mkv' };
    const bulk = Array.from({ length: size }, () => ({ name: 'file', data, opts: options() }));
    for (const job of await queue.addBulk(bulk)) ids.push(job.id);
  }
  if (idsFile) fs.writeFileSync(idsFile, ids.join('\n'));
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ listen: server.address().port }));
  });
}
main();
