"""LangChain's ChatOpenAI and OpenAIEmbeddings."""

import os

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

base = {"base_url": os.environ["LOCI_URL"] + "/v1", "api_key": "none"}
asked = [SystemMessage("Be brief."), HumanMessage("Say something.")]
chat = ChatOpenAI(model="loci", seed=7, max_tokens=12, max_retries=0, **base)

whole = chat.invoke(asked)
assert whole.usage_metadata["output_tokens"] == 12, whole
parts = list(chat.stream(asked, stream_usage=True))
assert "".join(part.content for part in parts) == whole.content
assert parts[-1].usage_metadata or any(part.usage_metadata for part in parts)

schema = {"title": "it", "type": "object", "properties": {"a": {"type": "boolean"}},
          "required": ["a"], "additionalProperties": False}
told = ChatOpenAI(model="loci", seed=1, max_tokens=256, **base)
assert told.with_structured_output(schema, method="json_schema").invoke(asked)["a"] in (True, False)

# Loci embeds texts: tokens of OpenAI's own tokenizer mean nothing here.
embeddings = OpenAIEmbeddings(model="loci", check_embedding_ctx_length=False, **base)
vectors = embeddings.embed_documents(["A violin.", "A cupboard."])
assert len(vectors) == 2 and len(vectors[0]) == len(embeddings.embed_query("violin"))

session = os.environ["LOCI_SESSION"]
chat.bind(extra_headers={"x-loci-session": session}).invoke([HumanMessage("From LangChain.")])
