"""confluent-kafka against a broker: what it does is named on standard output when it was as it should be."""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic

broker = sys.argv[1]
admin = AdminClient({"bootstrap.servers": broker})


def create(name, partitions, **config):
    admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result()


def consumer(group, **more):
    settings = {"bootstrap.servers": broker, "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": 6000}
    return Consumer({**settings, **{k.replace("_", "."): v for k, v in more.items()}})


def poll(reader, count, seconds=60):
    """Values until there are so many."""
    values, deadline = [], time.time() + seconds
    while len(values) < count and time.time() < deadline:
        message = reader.poll(0.2)
        if message is None:
            continue
        assert not message.error(), message.error()
        values.append(message.value())
    assert len(values) == count, (len(values), count)
    return values


create("ck", 4, **{"retention.ms": "3600000"})
faults, began = [], int(time.time() * 1000)
for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    producer = Producer(
        {"bootstrap.servers": broker, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5})
    for i in range(500):
        producer.produce(
            "ck", key=b"k%d" % (i % 9), value=b"%s %d" % (codec.encode(), i) * 4,
            callback=lambda e, m: faults.append(e) if e else None)
    assert producer.flush(60) == 0 and not faults, faults
reader = consumer("ckg")
reader.subscribe(["ck"])
assert len(set(poll(reader, 2500))) == 2500
reader.commit(asynchronous=False)
reader.close()
print("codecs")

first = consumer("static", group_instance_id="one")
first.subscribe(["ck"])
poll(first, 2500)
first.commit(asynchronous=False)
assigned = sorted(p.partition for p in first.assignment())
first.close()
again = consumer("static", group_instance_id="one")
again.subscribe(["ck"])
deadline = time.time() + 30
while not again.assignment() and time.time() < deadline:
    again.poll(0.1)
assert sorted(p.partition for p in again.assignment()) == assigned
again.close()
print("static")

reader = consumer("times")
places = reader.offsets_for_times([TopicPartition("ck", i, began) for i in range(4)], timeout=30)
assert [p.offset for p in places] == [0, 0, 0, 0], places
late = reader.offsets_for_times([TopicPartition("ck", 0, int(time.time() * 1000) + 100000)], timeout=30)
assert late[0].offset == -1, late
assert sum(reader.get_watermark_offsets(TopicPartition("ck", i), timeout=30)[1] for i in range(4)) == 2500
reader.close()
print("times")

create("tx", 2)


def transactional():
    made = Producer({"bootstrap.servers": broker, "transactional.id": "t1", "transaction.timeout.ms": 30000})
    made.init_transactions(30)
    return made


def read(level):
    reader = consumer("x" + level + str(time.time()), isolation_level=level, enable_partition_eof=True)
    reader.assign([TopicPartition("tx", 0, 0), TopicPartition("tx", 1, 0)])
    values, ends, deadline = [], set(), time.time() + 60
    while len(ends) < 2 and time.time() < deadline:
        message = reader.poll(0.5)
        if message is None:
            continue
        if message.error():
            ends.add(message.partition())
        else:
            values.append(message.value())
    assert len(ends) == 2
    reader.close()
    return values


producer = transactional()
for turn in range(4):
    producer.begin_transaction()
    word = b"commit" if turn % 2 == 0 else b"abort"
    for i in range(10):
        producer.produce("tx", b"%s-%d-%d" % (word, turn, i), partition=i % 2)
    if turn % 2 == 0:
        producer.commit_transaction(30)
    else:
        producer.flush(30)
        producer.abort_transaction(30)
assert len(read("read_committed")) == 20 and all(v.startswith(b"commit") for v in read("read_committed"))
assert len(read("read_uncommitted")) == 40
producer.begin_transaction()
producer.produce("tx", b"open", partition=0)
producer.flush(30)
assert len(read("read_committed")) == 20 and len(read("read_uncommitted")) == 41
second = transactional()
try:
    producer.produce("tx", b"zombie", partition=0)
    producer.commit_transaction(30)
    raise AssertionError("who was fenced has committed")
except KafkaException as fault:
    assert fault.args[0].name() == "_FENCED", fault
assert len(read("read_committed")) == 20
reader = consumer("txg", enable_auto_commit=False, isolation_level="read_committed")
reader.subscribe(["tx"])
poll(reader, 20)
second.begin_transaction()
second.produce("tx", b"commit-z", partition=1)
position = reader.position(reader.assignment())
second.send_offsets_to_transaction(position, reader.consumer_group_metadata())
second.commit_transaction(30)
committed = {p.partition: p.offset for p in reader.committed(reader.assignment(), 30)}
assert committed == {p.partition: p.offset for p in position}, (committed, position)
reader.close()
print("transactions")

resource = ConfigResource(ConfigResource.Type.TOPIC, "ck")


def config(name):
    return admin.describe_configs([resource])[resource].result()[name].value


assert config("retention.ms") == "3600000"
change = ConfigResource(
    ConfigResource.Type.TOPIC, "ck",
    incremental_configs=[ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)])
for future in admin.incremental_alter_configs([change]).values():
    future.result()
assert config("retention.ms") == "7200000"
admin.create_partitions([NewPartitions("ck", 6)])["ck"].result()
assert len(admin.list_topics("ck", 30).topics["ck"].partitions) == 6
groups = {g.group_id for g in admin.list_consumer_groups().result().valid}
assert {"ckg", "static", "txg"} <= groups, groups
assert admin.describe_consumer_groups(["ckg"])["ckg"].result().state.name == "EMPTY"
admin.delete_consumer_groups(["ckg"])["ckg"].result()
assert "ckg" not in {g.group_id for g in admin.list_consumer_groups().result().valid}
# Clients make a topic again that they have in use: this one nobody has.
create("unused", 1)
assert {"ck", "tx", "unused"} <= set(admin.list_topics(timeout=30).topics)
admin.delete_topics(["unused"])["unused"].result()
assert "unused" not in admin.list_topics(timeout=30).topics
print("administration")
