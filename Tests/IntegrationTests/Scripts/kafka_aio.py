"""aiokafka against a broker: what it does is named on standard output when it was as it should be."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

broker = sys.argv[1]


async def read(count, **options):
    consumer = AIOKafkaConsumer("ak", bootstrap_servers=broker, auto_offset_reset="earliest", **options)
    await consumer.start()
    values = []
    try:
        while len(values) < count:
            for records in (await asyncio.wait_for(consumer.getmany(timeout_ms=1000), 60)).values():
                values += [record.value for record in records]
        if options.get("group_id"):
            await consumer.commit()
            committed = [await consumer.committed(p) for p in consumer.assignment()]
            assert sum(committed) >= count, committed
    finally:
        await consumer.stop()
    return values


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic("ak", 2, 1)])
    await admin.close()
    for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
        producer = AIOKafkaProducer(bootstrap_servers=broker, compression_type=codec, enable_idempotence=True)
        await producer.start()
        for i in range(100):
            await producer.send_and_wait("ak", b"%d" % i, key=b"k%d" % (i % 5))
        await producer.stop()
    print("codecs")

    values = await asyncio.wait_for(read(500, group_id="akg"), 120)
    assert sorted(values) == sorted(b"%d" % i for i in range(100) for _ in range(5))
    print("group")

    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id="aktx")
    await producer.start()
    async with producer.transaction():
        await producer.send("ak", b"committed")
    await producer.begin_transaction()
    await (await producer.send("ak", b"aborted"))
    await producer.abort_transaction()
    async with producer.transaction():
        await producer.send("ak", b"last")
    await producer.stop()
    values = await asyncio.wait_for(read(502, group_id=None, isolation_level="read_committed"), 120)
    assert b"committed" in values and b"last" in values and b"aborted" not in values
    print("transactions")


asyncio.run(main())
