"""What schemathesis does not know by itself."""

import schemathesis

# What no description can say, by the code of an error and the beginning of its message.
REFUSED = [
    # How much fits into a prompt is the model's matter.
    ("context_length_exceeded", ""),
    # Whether a model can be held to a schema or a grammar is another question than what it is.
    ("invalid_value", "`response_format` cannot be used: "),
    # Other messages may be empty, or an assistant's.
    ("invalid_value", "the last message must not be empty"),
    ("invalid_value", "in a session, the last message must be the user's"),
    # Two parameters that belong together.
    ("invalid_value", "`end` must lie behind `start`"),
    # It must name documents that are there.
    ("invalid_value", "`rag_document_ids`: no document has the id"),
    # What they contain is checked, not only its form.
    ("no_receipt", ""),
    ("policy_refused", ""),
]


@schemathesis.check
def what_is_valid_is_accepted(ctx, response, case):
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code != 400:
        return
    error = response.json()["error"]
    known = [code == error["code"] and error["message"].startswith(told) for code, told in REFUSED]
    assert any(known), f"a valid request was refused: {error}"


@schemathesis.serializer("application/wasm")
def wasm(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()
