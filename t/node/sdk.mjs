// The official Node SDK against the edge whose base URL is the argument.

import assert from "node:assert/strict";
import OpenAI from "openai";

const baseURL = process.argv[2];
const client = new OpenAI({ baseURL, apiKey: "client-key", maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const model = "gpt-5.4";

const plan = (wishes) => ({
    headers: { "openai-mock": JSON.stringify(wishes) },
});

const tests = {
    async create() {
        const answer = await client.chat.completions.create({ model, messages });
        assert.match(answer.choices[0].message.content, /^The edge/);
        assert.equal(answer.usage.completion_tokens, 5);
    },

    async stream() {
        const stream = await client.chat.completions.create(
            { model, messages, stream: true }, plan({ events: 40 }));
        let text = "";
        for await (const chunk of stream) {
            text += chunk.choices[0]?.delta?.content ?? "";
        }
        assert.equal(text.split(" ").length, 41);
    },

    async responses() {
        const answer = await client.responses.create({ model, input: "Hello" });
        assert.match(answer.output_text, /^The edge/);
        const again = await client.responses.retrieve(answer.id);
        assert.equal(again.id, answer.id);
    },

    async responsesStream() {
        const kinds = [];
        const stream = await client.responses.create(
            { model, input: "Hello", stream: true });
        for await (const event of stream) {
            kinds.push(event.type);
        }
        assert.equal(kinds[0], "response.created");
        assert.equal(kinds.at(-1), "response.completed");
    },

    async models() {
        const names = [];
        for await (const one of client.models.list()) {
            names.push(one.id);
        }
        assert.ok(names.includes("o3"));
    },

    async errorsOfTheApi() {
        for (const [status, type] of [
            [400, OpenAI.BadRequestError], [401, OpenAI.AuthenticationError],
            [403, OpenAI.PermissionDeniedError], [404, OpenAI.NotFoundError],
            [429, OpenAI.RateLimitError], [500, OpenAI.InternalServerError],
        ]) {
            await assert.rejects(
                client.chat.completions.create({ model, messages },
                                               plan({ status })),
                (error) => error instanceof type && error.code === "mocked");
        }
    },

    async errorsMadeHere() {
        await assert.rejects(
            client.embeddings.create({ model, input: "x" }),
            (error) => error instanceof OpenAI.NotFoundError
                       && error.code === "not_found");
        await assert.rejects(
            client.chat.completions.create({ model, messages },
                                           plan({ cut: 0, how: "reset" })),
            (error) => error instanceof OpenAI.InternalServerError
                       && error.code === "upstream_unavailable");
    },

    async usage() {
        const ask = { include_usage: true };
        for (const stream_options of [undefined, ask]) {
            const seen = [];
            const stream = await client.chat.completions.create(
                { model, messages, stream: true, stream_options });
            for await (const chunk of stream) {
                seen.push(chunk);
            }
            assert.equal(seen.at(-1).choices.length, stream_options ? 0 : 1);
            assert.equal(seen.some((chunk) => chunk.usage),
                         Boolean(stream_options));
        }
    },

    async cutStream() {
        for (let cut = 330; cut < 1000; cut += 61) {
            await assert.rejects(async () => {
                const stream = await client.chat.completions.create(
                    { model, messages, stream: true }, plan({ cut }));
                for await (const chunk of stream) {
                    assert.ok(chunk);
                }
            }, (error) => error instanceof OpenAI.APIError
                          && error.code === "upstream_unavailable");
        }
    },

    async cutResponses() {
        for (let cut = 330; cut < 3000; cut += 307) {
            await assert.rejects(async () => {
                const stream = await client.responses.create(
                    { model, input: "Hello", stream: true }, plan({ cut }));
                for await (const event of stream) {
                    assert.ok(event);
                }
            }, (error) => error instanceof OpenAI.APIError
                          && error.code === "upstream_unavailable");
        }
    },

    async abort() {
        const stream = await client.chat.completions.create(
            { model, messages, stream: true },
            plan({ events: 1000, pace: 0.01 }));
        for await (const chunk of stream) {
            assert.ok(chunk);
            break;
        }
        stream.controller.abort();
    },
};

let passed = 0;

for (const [name, test] of Object.entries(tests)) {
    try {
        await test();
        passed++;
    } catch (error) {
        console.log(`${name}: ${error.stack}`);
        process.exitCode = 1;
    }
}

console.log(JSON.stringify({ passed }));
