"""A confluent-kafka member that reads topics by a pattern, which the broker matches (KIP-848): what it does is named on
standard output when it was as it should be.

Its own metadata is refreshed every five minutes: a topic that is made later comes by the broker's word.
"""

import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

broker = sys.argv[1]
admin = AdminClient({"bootstrap.servers": broker})
producer = Producer({"bootstrap.servers": broker})


def create(name, partitions=1):
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result()


def produce(topic, *values):
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def member(group):
    return Consumer({
        "bootstrap.servers": broker, "group.id": group, "group.protocol": "consumer", "auto.offset.reset": "earliest"})


def poll(reader, wanted, seconds=90):
    """Values until there are these."""
    values, deadline = set(), time.time() + seconds
    while values != wanted and time.time() < deadline:
        message = reader.poll(0.2)
        if message is None:
            continue
        assert not message.error(), message.error()
        values.add((message.topic(), message.value().decode()))
    assert values == wanted, (values, wanted)


def topics(reader):
    return {part.topic for part in reader.assignment()}


for name in ["sensors-a", "sensors-b", "my-sensors-c", "other"]:
    create(name, 2)
    produce(name, "1")
reader = member("patterns")
reader.subscribe(["^sensors-.*"])
poll(reader, {("sensors-a", "1"), ("sensors-b", "1")})
assert topics(reader) == {"sensors-a", "sensors-b"}, reader.assignment()
print("matched")

create("sensors-z")
produce("sensors-z", "late")
produce("other", "2")
poll(reader, {("sensors-z", "late")})
print("later")

reader.subscribe(["^other", "^my-.*"])
poll(reader, {("other", "1"), ("other", "2"), ("my-sensors-c", "1")})
assert topics(reader) == {"other", "my-sensors-c"}, reader.assignment()
reader.close()
print("changed")

reader = member("faulty")
reader.subscribe(["^sensors-{2000}"])
fault, deadline = None, time.time() + 60
while fault is None and time.time() < deadline:
    message = reader.poll(0.2)
    fault = message.error() if message is not None else None
assert fault is not None and fault.code() == KafkaError._FATAL, fault
assert "regular expression is not valid" in fault.str(), fault
reader.close()
print("refused")
