"""confluent-kafka's share consumers against a broker: what they do is named on standard output when it was as it should be."""

import sys
import time

from confluent_kafka import Producer, ShareConsumer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

broker = sys.argv[1]
admin = AdminClient({"bootstrap.servers": broker})
admin.create_topics([NewTopic("shared", 1, 1)])["shared"].result()
group = ConfigResource(
    ConfigResource.Type.GROUP, "pool",
    incremental_configs=[
        ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)])
admin.incremental_alter_configs([group])[group].result()
producer = Producer({"bootstrap.servers": broker, "batch.num.messages": 50})
count = 0


def produce(more):
    global count
    for i in range(count, count + more):
        producer.produce("shared", value=b"%d" % i)
    assert producer.flush(60) == 0
    count += more


produce(2000)
members = [ShareConsumer({"bootstrap.servers": broker, "group.id": "pool"}) for _ in range(3)]
for member in members:
    member.subscribe(["shared"])
had, deadline = [set() for _ in members], time.time() + 60
while (sum(map(len, had)) < count or not all(had)) and time.time() < deadline:
    if sum(map(len, had)) == count:
        produce(200)
    for values, member in zip(had, members):
        for message in member.poll(0.05) or []:
            assert not message.error(), message.error()
            value = int(message.value())
            assert all(value not in other for other in had), value
            values.add(value)
assert set().union(*had) == set(range(count)) and all(had), list(map(len, had))
print("each record comes to one of three members of one partition")

for member in members:
    member.commit_sync()
    member.close()
former = count
produce(10)
again = ShareConsumer({"bootstrap.servers": broker, "group.id": "pool"})
again.subscribe(["shared"])
values, deadline = [], time.time() + 60
while len(values) < 10 and time.time() < deadline:
    values += [int(message.value()) for message in again.poll(0.2) or []]
assert values == list(range(former, count)), values
again.close()
print("what was accepted does not come again")
