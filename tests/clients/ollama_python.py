"""Ollama's own Python package."""

import os

from ollama import Client, ResponseError

client = Client(host=os.environ["LOCI_URL"])
asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say something."}]
options = {"seed": 7, "num_predict": 12}

names = [model.model for model in client.list().models]
assert len(names) == 1, names

whole = client.chat(model="loci", messages=asked, options=options)
assert whole.done and whole.done_reason == "length" and whole.eval_count == 12, whole
parts = list(client.chat(model=names[0], messages=asked, options=options, stream=True))
assert "".join(part.message.content for part in parts) == whole.message.content
assert parts[-1].done and parts[-1].prompt_eval_count == whole.prompt_eval_count, parts[-1]

schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"],
          "additionalProperties": False}
told = client.chat(model="loci", messages=asked, format=schema, options={"seed": 1})
assert '"a"' in told.message.content, told

try:
    client.chat(model="nobody", messages=asked)
    raise AssertionError("another model answered")
except ResponseError as error:
    assert error.status_code == 404, error

session = Client(host=os.environ["LOCI_URL"], headers={"x-loci-session": os.environ["LOCI_SESSION"]})
session.chat(model="loci", messages=[{"role": "user", "content": "From Ollama."}], options=options)
