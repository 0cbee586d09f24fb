// Read a response and its conversation with the `openai` package; the server and its key come from standard input.
import OpenAI from "openai";

const { url, key, item } = JSON.parse(await new Response(process.stdin).text());
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

async function readIds(listed) {
  const ids = [];
  for await (const { id } of listed) ids.push(id);
  return ids;
}

async function getStatus(request) {
  try {
    await request;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error.status;
    throw error;
  }
  return 200;
}

const results = {
  output: (await client.responses.retrieve("resp_read")).output,
  "newest input first": await readIds(client.responses.inputItems.list("resp_read")),
  "oldest input first": await readIds(client.responses.inputItems.list("resp_read", { order: "asc", limit: 7 })),
  created_at: (await client.conversations.retrieve("conv_read")).created_at,
  "newest item first": await readIds(client.conversations.items.list("conv_read", { limit: 10 })),
  content: (await client.conversations.items.retrieve(item, { conversation_id: "conv_read" })).content,
  "unknown response": await getStatus(client.responses.retrieve("resp_unknown")),
  streamed: await getStatus(client.responses.retrieve("resp_read", { stream: true })),
};

process.stdout.write(JSON.stringify(results));
