"""kafka-python against a broker: what it does is named on standard output when it was as it should be."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

broker = sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=broker)
admin.create_topics([NewTopic("kp", 3, 1)])

began = int(time.time() * 1000)
for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
    producer = KafkaProducer(bootstrap_servers=broker, compression_type=codec, linger_ms=5)
    futures = [
        producer.send("kp", key=b"k%d" % (i % 7), value=(b"%s-%d" % (str(codec).encode(), i)) * 3, headers=[("h", b"v")])
        for i in range(200)
    ]
    for future in futures:
        future.get(30)
    producer.close()
print("codecs")

consumer = KafkaConsumer("kp", bootstrap_servers=broker, group_id="g1", auto_offset_reset="earliest")
count, seen = 0, {}
deadline = time.time() + 60
while count < 1000 and time.time() < deadline:
    for records in consumer.poll(500).values():
        for record in records:
            count += 1
            assert record.offset == seen.get(record.partition, -1) + 1, record
            assert [tuple(h) for h in record.headers] == [("h", b"v")], record.headers
            seen[record.partition] = record.offset
assert count == 1000, count
consumer.commit()
consumer.close()
print("group")

partitions = [TopicPartition("kp", i) for i in range(3)]
consumer = KafkaConsumer(bootstrap_servers=broker, group_id="g1")
consumer.assign(partitions)
ends = consumer.end_offsets(partitions)
assert sum(ends.values()) == 1000, ends
assert {p: consumer.committed(p) for p in partitions} == ends
assert set(consumer.beginning_offsets(partitions).values()) == {0}
print("offsets")

found = consumer.offsets_for_times({partitions[0]: began, partitions[1]: int(time.time() * 1000) + 100000})
assert found[partitions[0]].offset == 0, found
assert found[partitions[1]] is None, found
consumer.close()
print("times")

assert "kp" in admin.list_topics()
admin.delete_topics(["kp"])
assert "kp" not in admin.list_topics()
admin.close()
print("administration")
