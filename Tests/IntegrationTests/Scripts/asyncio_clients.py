"""Publishes to itself with the asyncio client that is named: prints what came."""
import asyncio
import sys

port, library = int(sys.argv[1]), sys.argv[2]


async def with_aiomqtt():
    import aiomqtt

    async with aiomqtt.Client("127.0.0.1", port, timeout=60) as client:
        await client.subscribe("aio/#", qos=1)
        await client.publish("aio/1", b"hello", qos=2)
        async for message in client.messages:
            print(message.topic, message.payload.decode(), message.qos)
            return


async def with_gmqtt():
    from gmqtt import Client

    client, subscribed, arrived = Client("gmqtt"), asyncio.Event(), asyncio.Event()

    def on_message(client, topic, payload, qos, properties):
        print(topic, payload.decode(), qos)
        arrived.set()
        return 0

    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect("127.0.0.1", port)
    client.subscribe("gmqtt/#", qos=2)
    await asyncio.wait_for(subscribed.wait(), 60)
    client.publish("gmqtt/1", b"hello", qos=1)
    await asyncio.wait_for(arrived.wait(), 60)
    await client.disconnect()


asyncio.run({"aiomqtt": with_aiomqtt, "gmqtt": with_gmqtt}[library]())
