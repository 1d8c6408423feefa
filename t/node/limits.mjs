// What the official Node SDK makes of keys, models and limits.

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const messages = [{ role: "user", content: "Hello" }];

async function refused(type, { key = apiKey, model = "gpt-5.4",
                               maxRetries = 2 } = {}) {
    const sdk = new OpenAI({ baseURL, apiKey: key, maxRetries });
    try {
        await sdk.chat.completions.create({ model, messages });
    } catch (error) {
        assert.ok(error instanceof type, String(error));
        return error;
    }
    assert.fail("not refused");
}

await refused(OpenAI.AuthenticationError, { key: "unknown" });
await refused(OpenAI.PermissionDeniedError, { model: "o3" });

// the rate frees while the SDK waits as it was told
const sdk = new OpenAI({ baseURL, apiKey, maxRetries: 5 });
for (let i = 0; i < 4; i++) {
    await sdk.chat.completions.create({ model: "gpt-5.4", messages });
}

const error = await refused(OpenAI.RateLimitError, { model: "gpt-4o" });
assert.equal(error.code, "insufficient_quota");
assert.equal(error.headers.get("x-ratelimit-limit-tokens"), "10");
