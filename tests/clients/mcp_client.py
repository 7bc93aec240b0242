"""The client of the Model Context Protocol's own Python package."""

import asyncio
import http.client
import json
import os

from mcp import Client

URL = os.environ["LOCI_URL"] + "/mcp"


async def works(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"remember", "recall", "forget", "search_documents"}, tools
    assert tools["recall"].annotations.read_only_hint, tools["recall"]

    async def call(name, **given):
        result = await client.call_tool(name, given)
        assert not result.is_error, result
        return result.structured_content

    # Nothing is remembered yet, and looking does not change that.
    if (await call("recall", query="violin"))["session_id"] is None:
        assert (await call("search_documents", query="violin")) == {"passages": []}
    kept = await call("remember", text="My sister Oriane keeps her violin in the blue cupboard.")
    other = await call("remember", text="The parcel weighs nine kilograms.")
    assert kept["session_id"] == other["session_id"], other
    found = (await call("recall", query="Where is the violin?", limit=1))["memories"]
    assert found[0]["message_id"] == kept["message_id"], found
    await call("forget", message_id=kept["message_id"])
    found = (await call("recall", query="Where is the violin?"))["memories"]
    assert all("violin" not in memory["content"] for memory in found), found

    # A session that has a name of its own, and what goes wrong.
    session = os.environ["LOCI_SESSION"]
    await call("remember", text="From MCP.", session_id=session)
    for name, given in [
        ("remember", {"text": " "}),
        ("recall", {"query": "x", "session_id": "00000000-0000-0000-0000-000000000000"}),
        ("recall", {"query": "x", "session_id": "../documents"}),
        ("recall", {"query": "x", "limit": 5000}),
        ("forget", {"message_id": kept["message_id"] + 1000}),
        ("nonsense", {}),
    ]:
        result = await client.call_tool(name, given)
        assert result.is_error and result.content[0].text, (name, result)


def make_sessions(count):
    server = http.client.HTTPConnection(os.environ["LOCI_URL"].removeprefix("http://"))
    for number in range(count):
        body = json.dumps({"name": f"Session {number}"})
        server.request("POST", "/api/v1/sessions", body, {"content-type": "application/json"})
        made = server.getresponse()
        assert made.status == 201, made.read()
        made.read()
    server.close()


async def main():
    # The protocol as it is now, and as clients spoke it before.
    for mode in ["auto", "legacy"]:
        async with Client(URL, mode=mode) as client:
            await works(client)

    # However many sessions there are, the notes are in one.
    async with Client(URL) as client:
        before = (await client.call_tool("recall", {"query": "parcel"})).structured_content
        make_sessions(1_001)
        after = (await client.call_tool("recall", {"query": "parcel"})).structured_content
        assert before["session_id"] is not None and before == after, (before, after)


asyncio.run(main())
