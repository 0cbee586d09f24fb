// Perform a task (standard input) with the `openai` package and print the results.
import OpenAI from "openai";

const task = JSON.parse(await new Response(process.stdin).text());
const client = new OpenAI({ baseURL: `${task.url}/v1`, apiKey: task.key, maxRetries: 0 });
const threads = client.beta.threads;
const include = ["step_details.tool_calls[*].file_search.results[*].content"];

async function readList(listed, expected) {
  const items = [];
  for await (const item of listed) {
    items.push(item);
    if (items.length > expected) break;
  }
  return items;
}

async function getError(request) {
  try {
    await request;
  } catch (error) {
    if (error instanceof OpenAI.NotFoundError) return `${error.status}: ${error.error.message}`;
    throw error;
  }
  return "no error";
}

const first = task.threads[0].id;
const [threadId, runId] = task.threads.flatMap((thread) => Object.keys(thread.runs).map((run) => [thread.id, run]))[0];
const results = {
  "unknown thread": await getError(threads.runs.list("thread_unknown")),
  "unknown run": await getError(threads.runs.retrieve("run_unknown", { thread_id: first })),
  "unknown step": await getError(
    threads.runs.steps.retrieve("step_unknown", { thread_id: threadId, run_id: runId }),
  ),
  "unknown message": await getError(threads.messages.retrieve("msg_unknown", { thread_id: first })),
  "unknown cursor": await getError(threads.runs.list(first, { after: "run_unknown" })),
};

for (const { id, count, last, runs, messages } of task.threads) {
  results[`thread ${id}`] = await threads.retrieve(id);
  for (const order of ["asc", "desc"]) {
    results[`runs of ${id} ${order}`] = await readList(threads.runs.list(id, { limit: 7, order }), count);
    results[`messages of ${id} ${order}`] = await readList(
      threads.messages.list(id, { limit: 4, order }),
      messages.length,
    );
  }
  const before = last ?? undefined;
  results[`runs of ${id} before the last`] = await readList(
    threads.runs.list(id, { limit: 100, order: "asc", before }),
    count,
  );
  for (const message of messages) {
    results[`message ${message}`] = await threads.messages.retrieve(message, { thread_id: id });
  }
  for (const [run, steps] of Object.entries(runs)) {
    results[`run ${run}`] = await threads.runs.retrieve(run, { thread_id: id });
    for (const order of ["asc", "desc"]) {
      const listed = threads.runs.steps.list(run, { thread_id: id, limit: 2, order, include });
      results[`steps of ${run} ${order}`] = await readList(listed, steps.length);
    }
    for (const step of steps) {
      const params = { thread_id: id, run_id: run, include };
      results[`step of ${run} ${step}`] = await threads.runs.steps.retrieve(step, params);
    }
  }
}

process.stdout.write(JSON.stringify(results));
