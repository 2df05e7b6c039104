"""The SDK of the Model Context Protocol asks a broker: what it does is named on standard output when it was as it
should be. Of the broker admin may have everything, alice sensors/a/#; d1 in a and d2 in b have published temperatures
of 20 to 24."""

import asyncio
import sys

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

url = f"http://127.0.0.1:{sys.argv[1]}/mcp"
admin, alice = ("admin", "root"), ("alice", "wonder")
names = ["bridges", "explain", "history", "lag", "last_value", "list_devices", "list_streams", "state_at"]


def check(what, value):
    if not what:
        raise AssertionError(repr(value))


class Talk:
    """A client of the SDK with a user's password, and the requests that it has made."""

    def __init__(self, user, mode):
        self.user, self.mode, self.statuses = user, mode, []

    async def heard(self, response):
        self.statuses.append((response.request.method, response.status_code))

    async def __aenter__(self):
        self.http = httpx2.AsyncClient(auth=self.user, timeout=30, event_hooks={"response": [self.heard]})
        self.client = Client(streamable_http_client(url, http_client=self.http), mode=self.mode)
        return await self.client.__aenter__(), self

    async def __aexit__(self, *reason):
        await self.client.__aexit__(*reason)
        await self.http.aclose()


async def ask(client, name, **arguments):
    result = await client.call_tool(name, arguments)
    check(not result.is_error and result.content[0].type == "text", result)
    return result.structured_content


async def tools(client):
    listed = (await client.list_tools()).tools
    check(sorted(tool.name for tool in listed) == names, listed)
    for tool in listed:
        check(tool.description and tool.annotations.read_only_hint, tool)
        check(tool.input_schema["type"] == "object" and not tool.input_schema["additionalProperties"], tool)
    schema = {tool.name: tool.input_schema for tool in listed}["history"]
    check(schema["required"] == ["stream"], schema)
    check(schema["properties"]["limit"]["type"] == "integer", schema)

    streams = (await ask(client, "list_streams"))["streams"]
    check([len(s["partitions"]) for s in streams if s["name"] == "sensors"] == [3], streams)
    devices = (await ask(client, "list_devices", profile="temperature"))["devices"]
    check(sorted(device["device"] for device in devices) == ["d1", "d2"], devices)
    silent = (await ask(client, "list_devices", silent=True))["devices"]
    check(silent == [], silent)
    last = (await ask(client, "last_value", filter="sensors/a/+/temperature"))["values"]
    check([(v["topic"], v["payload"]) for v in last] == [("sensors/a/d1/temperature", '{"temperature": 24}')], last)
    now = (await ask(client, "state_at", filter="sensors/#", time="now"))["values"]
    check(sorted(value["topic"] for value in now) == ["sensors/a/d1/temperature", "sensors/b/d2/temperature"], now)
    before = (await ask(client, "state_at", filter="sensors/#", time="-1h"))["values"]
    check(before == [], before)
    history = await ask(client, "history", stream="sensors", key="d2", **{"from": "-1h"}, limit=3)
    check([r["payload"] for r in history["records"]] == ['{"temperature": 20}', '{"temperature": 21}', '{"temperature": 22}'], history)
    check((await ask(client, "lag"))["groups"] == [], None)
    check((await ask(client, "bridges"))["bridges"] == [], None)
    explained = await ask(client, "explain", topic="sensors/a/d1/temperature")
    check(explained["stream"] == "sensors", explained)


async def mistakes(client):
    for name, arguments, words in [
        ("history", {}, "'stream' is missing"),
        ("history", {"strem": "sensors"}, "did you mean 'stream'?"),
        ("history", {"stream": "sensors", "limit": 5000}, "'limit': expected 1 to 1000, found 5000"),
        ("history", {"stream": "sensor"}, "sensor"),
        ("list_devices", {"silent": "perhaps"}, "'silent': expected true or false"),
        ("state_at", {"filter": "a/#/b", "time": "now"}, "a/#/b"),
        ("state_at", {"filter": "#", "time": "noon"}, "noon"),
        ("explain", {"topic": "a/#"}, "no wildcard"),
    ]:
        result = await client.call_tool(name, arguments)
        check(result.is_error and words in result.content[0].text, result)
    try:
        await client.call_tool("histori", {})
        check(False, "a tool that there is not")
    except MCPError as error:
        check(error.code == -32602 and "did you mean 'history'?" in error.message, error)
    try:
        await client.list_prompts()
        check(False, "prompts, of which there are none")
    except MCPError as error:
        check(error.code == -32601, error)


async def talk(mode, version):
    async with Talk(admin, mode) as (client, seen):
        check(client.protocol_version == version, client.protocol_version)
        check(client.server_info.name == "sluice" and client.server_info.version, client.server_info)
        check(client.server_capabilities.tools is not None, client.server_capabilities)
        await tools(client)
        await mistakes(client)
    # No session and no stream of the server's own: nothing but requests, and no probe that fails.
    check({method for method, _ in seen.statuses} == {"POST"}, seen.statuses)
    print(mode, version)


async def rights():
    async with Talk(alice, "auto") as (client, _):
        last = (await ask(client, "last_value", filter="sensors/a/+/temperature"))["values"]
        check([value["topic"] for value in last] == ["sensors/a/d1/temperature"], last)
        other = (await ask(client, "last_value", filter="sensors/b/+/temperature"))["values"]
        check(other == [], other)
        history = (await ask(client, "history", stream="sensors"))["records"]
        check([record["key"] for record in history] == ["d1"] * 5, history)
        for name, arguments in [
            ("explain", {"topic": "sensors/a/d1/temperature"}), ("list_streams", {}), ("lag", {}), ("bridges", {}),
            ("list_devices", {}),
        ]:
            result = await client.call_tool(name, arguments)
            check(result.is_error and result.structured_content is None, (name, result))
            check("may not" in result.content[0].text or "not authorized" in result.content[0].text, (name, result))
    try:
        async with Talk(("alice", "wrong"), "auto"):
            check(False, "a wrong password")
    except* MCPError:
        pass
    print("rights")


asyncio.run(talk("auto", LATEST_MODERN_VERSION))
asyncio.run(talk("legacy", LATEST_HANDSHAKE_VERSION))
asyncio.run(rights())
