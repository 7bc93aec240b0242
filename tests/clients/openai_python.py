"""The official OpenAI library for Python."""

import base64
import json
import os
import struct

import openai

client = openai.OpenAI(base_url=os.environ["LOCI_URL"] + "/v1", api_key="none", max_retries=0)
session = os.environ["LOCI_SESSION"]
asked = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Say something."}]},
]


def fails(error, code, param=None, **request):
    try:
        client.chat.completions.create(**{"model": "loci", "messages": asked, **request})
    except error as found:
        assert (found.code, found.param) == (code, param), found
        assert found.message
        return
    raise AssertionError(f"{request} was answered")


models = [model.id for model in client.models.list()]
chat = models[0]
assert client.models.retrieve(chat).id == chat

# Whole, and what it cost.
whole = client.chat.completions.create(model=chat, messages=asked, seed=7, max_tokens=12)
assert whole.model == chat and whole.object == "chat.completion", whole
assert whole.choices[0].finish_reason == "length"
assert whole.choices[0].message.role == "assistant" and whole.choices[0].message.content
assert whole.usage.completion_tokens == 12, whole.usage
assert whole.usage.total_tokens == whole.usage.prompt_tokens + 12

# In chunks: the same seed says the same.
stream = client.chat.completions.create(
    model="loci", messages=asked, seed=7, max_completion_tokens=12,
    stream=True, stream_options={"include_usage": True},
)
chunks = list(stream)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == whole.choices[0].message.content, text
assert chunks[0].choices[0].delta.role == "assistant"
assert chunks[-2].choices[0].finish_reason == "length"
assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage, chunks[-1]
assert len({chunk.id for chunk in chunks}) == 1

# A stop text is not part of the answer.
stop = text[3]
stopped = client.chat.completions.create(
    model=chat, messages=asked, seed=7, max_tokens=12, stop=[stop])
assert stopped.choices[0].message.content == text[: text.index(stop)]
assert stopped.choices[0].finish_reason == "stop"

# JSON by a schema.
schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"],
          "additionalProperties": False}
told = client.chat.completions.create(
    model=chat, messages=asked, seed=1, max_tokens=256,
    response_format={"type": "json_schema", "json_schema": {"name": "it", "schema": schema}})
assert json.loads(told.choices[0].message.content)["a"] in (True, False), told

# Plain text.
plain = client.completions.create(model=chat, prompt="Once", max_tokens=5, seed=3)
assert plain.object == "text_completion" and plain.usage.completion_tokens == 5
parts = list(client.completions.create(
    model=chat, prompt="Once", max_tokens=5, seed=3, stream=True))
assert "".join(part.choices[0].text for part in parts) == plain.choices[0].text

# Errors are those that the library knows.
fails(openai.NotFoundError, "model_not_found", "model", model="gpt-4o")
fails(openai.BadRequestError, "unsupported_parameter", "tools",
      tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
fails(openai.BadRequestError, "invalid_value", "temperature", temperature=3)
fails(openai.BadRequestError, "context_length_exceeded", "messages",
      messages=[{"role": "user", "content": "word " * 20_000}])
fails(openai.BadRequestError, "context_length_exceeded", "messages", stream=True,
      messages=[{"role": "user", "content": "word " * 20_000}])
fails(openai.NotFoundError, "session_not_found", extra_headers={"x-loci-session": "nobody"})

# Vectors: the library asks for base64 by itself, and for numbers if it is told to.
embedding = models[1]
packed = client.embeddings.create(model=embedding, input=["A violin.", "A cupboard."])
plain = client.embeddings.create(
    model=embedding, input="A violin.", encoding_format="float")
assert len(packed.data) == 2 and packed.data[1].index == 1
assert [round(a, 5) for a in packed.data[0].embedding] == [
    round(a, 5) for a in plain.data[0].embedding]
raw = client.embeddings.with_raw_response.create(
    model=embedding, input="A violin.", encoding_format="base64")
numbers = base64.b64decode(json.loads(raw.text)["data"][0]["embedding"])
assert len(numbers) // 4 == len(plain.data[0].embedding)
assert struct.unpack("<f", numbers[:4])[0] == packed.data[0].embedding[0]
assert packed.usage.prompt_tokens > plain.usage.prompt_tokens > 0

# A turn of a session: it is stored there, and only there.
kept = client.chat.completions.create(
    model=chat, max_tokens=8, extra_headers={"x-loci-session": session},
    messages=[{"role": "user", "content": "From Python: the violin is in the blue cupboard."}])
assert kept.model_extra["loci"]["session_id"] == session, kept
kept = list(client.chat.completions.create(
    model=chat, max_tokens=8, stream=True, metadata={"session_id": session},
    messages=[{"role": "user", "content": "From Python, in chunks."}]))
assert kept[-1].model_extra["loci"]["turn"] == 2, kept[-1]
