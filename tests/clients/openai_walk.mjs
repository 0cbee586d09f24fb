// Asks everything of an assignment (standard input) with the `openai` package and prints the answers.
import OpenAI from "openai";

const assignment = JSON.parse(await new Response(process.stdin).text());
const client = new OpenAI({ baseURL: `${assignment.url}/v1`, apiKey: assignment.key, maxRetries: 0 });
const threads = client.beta.threads;
const include = ["step_details.tool_calls[*].file_search.results[*].content"];

async function read(listed, expected) {
  const found = [];
  for await (const each of listed) {
    found.push(each);
    if (found.length > expected) break;
  }
  return found;
}

async function refusal(asked) {
  try {
    await asked;
  } catch (error) {
    if (error instanceof OpenAI.NotFoundError) return `${error.status}: ${error.error.message}`;
    throw error;
  }
  return "answered";
}

const first = assignment.threads[0].id;
const known = assignment.threads.flatMap((each) => Object.keys(each.runs).map((run) => [each.id, run]))[0];
const answers = {
  "unknown thread": await refusal(threads.runs.list("thread_unknown")),
  "unknown run": await refusal(threads.runs.retrieve("run_unknown", { thread_id: first })),
  "unknown step": await refusal(
    threads.runs.steps.retrieve("step_unknown", { thread_id: known[0], run_id: known[1] }),
  ),
  "unknown message": await refusal(threads.messages.retrieve("msg_unknown", { thread_id: first })),
  "unknown cursor": await refusal(threads.runs.list(first, { after: "run_unknown" })),
};

for (const { id, count, last, runs, messages } of assignment.threads) {
  answers[`thread ${id}`] = await threads.retrieve(id);
  for (const order of ["asc", "desc"]) {
    answers[`runs of ${id} ${order}`] = await read(threads.runs.list(id, { limit: 7, order }), count);
    answers[`messages of ${id} ${order}`] = await read(
      threads.messages.list(id, { limit: 4, order }),
      messages.length,
    );
  }
  const before = last ?? undefined;
  answers[`runs of ${id} before the last`] = await read(
    threads.runs.list(id, { limit: 100, order: "asc", before }),
    count,
  );
  for (const message of messages) {
    answers[`message ${message}`] = await threads.messages.retrieve(message, { thread_id: id });
  }
  for (const [run, steps] of Object.entries(runs)) {
    answers[`run ${run}`] = await threads.runs.retrieve(run, { thread_id: id });
    for (const order of ["asc", "desc"]) {
      const listed = threads.runs.steps.list(run, { thread_id: id, limit: 2, order, include });
      answers[`steps of ${run} ${order}`] = await read(listed, steps.length);
    }
    for (const step of steps) {
      const asked = { thread_id: id, run_id: run, include };
      answers[`step of ${run} ${step}`] = await threads.runs.steps.retrieve(step, asked);
    }
  }
}

process.stdout.write(JSON.stringify(answers));
