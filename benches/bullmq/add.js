// Adds jobs to a BullMQ queue, so many in flight, for so many seconds; tells the count as JSON.
// Usage: node add.js PORT IN_FLIGHT SECONDS
const { Queue } = require('bullmq');
const { randomUUID } = require('node:crypto');

const [port, inFlight, seconds] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port };
const queue = new Queue('download', { connection });
// What our own record holds, and our own retries and retention.
const data = { owner: 'local', file_id: 70000, file_name: 'film.mkv' };
const options = () => ({
  jobId: randomUUID(),
  attempts: 3,
  backoff: { type: 'exponential', delay: 2000 },
  removeOnComplete: { age: 7 * 24 * 3600 },
  removeOnFail: { age: 7 * 24 * 3600 },
});

async function main() {
  await queue.waitUntilReady();
  await queue.add('file', data, options());
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.round(seconds * 1e9));
  let count = 0;
  const loop = async () => {
    while (process.hrtime.bigint() < end) {
      await queue.add('file', data, options());
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const took = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ count, seconds: took, cpuMicros: user + system }));
  await queue.close();
}
main();
