"""A group of confluent-kafka members that come and go while records are produced.

Every record is seen, those of a key in their order by each member that has its partition, and repeated only where a
member went without having committed.
"""

import sys
import threading
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

broker = sys.argv[1]
admin = AdminClient({"bootstrap.servers": broker})

KINDS = {
    "classic": {"partition.assignment.strategy": "range", "session.timeout.ms": 6000},
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000},
    "consumer": {"group.protocol": "consumer"},
}


class Member(threading.Thread):
    def __init__(self, kind, name, book):
        super().__init__()
        self.kind, self.book, self.leaves = kind, book, threading.Event()
        self.assigned, self.name, self.fault = 0, name, None

    def run(self):
        settings = {
            "bootstrap.servers": broker, "group.id": self.kind, "client.id": self.name, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "heartbeat.interval.ms": 500, **KINDS[self.kind]}
        if self.kind == "consumer":
            del settings["heartbeat.interval.ms"]
        reader = Consumer(settings)
        reader.subscribe([self.kind])
        last = {}
        try:
            while not self.leaves.is_set():
                message = reader.poll(0.1)
                self.assigned = len(reader.assignment())
                if message is None:
                    continue
                if message.error():
                    raise RuntimeError(message.error())
                place = (message.partition(), message.key())
                number = int(message.value())
                # Where a partition was given away and came back, what another has not committed comes again.
                before = last.get(place)
                if before is not None and number < before[0]:
                    assert message.offset() < before[1], "an offset beyond with a number before"
                last[place] = (number, message.offset())
                self.book.note(number)
                if number % 20 == 0:
                    try:
                        reader.commit(message, asynchronous=True)
                    except Exception:
                        pass
            try:
                reader.commit(asynchronous=False)
            except Exception:
                pass
        except BaseException as fault:
            self.fault = fault
        reader.close()


class Book:
    def __init__(self):
        self.seen, self.lock = {}, threading.Lock()

    def note(self, number):
        with self.lock:
            self.seen[number] = self.seen.get(number, 0) + 1


def wait(what, condition, seconds=90):
    deadline = time.time() + seconds
    while not condition():
        if time.time() > deadline:
            raise AssertionError("no " + what)
        time.sleep(0.05)


def history(kind):
    admin.create_topics([NewTopic(kind, 6, 1)])[kind].result()
    book, over, sent = Book(), threading.Event(), [0]

    def produce():
        producer = Producer({"bootstrap.servers": broker, "linger.ms": 2, "enable.idempotence": True})
        while not over.is_set():
            producer.produce(kind, key=b"k%d" % (sent[0] % 50), value=b"%d" % sent[0])
            sent[0] += 1
            producer.poll(0)
            if sent[0] % 20 == 0:
                time.sleep(0.02)
        assert producer.flush(60) == 0

    members = [Member(kind, "a", book)]
    load = threading.Thread(target=produce)
    load.start()
    members[0].start()
    try:
        wait("first member", lambda: members[0].assigned == 6 and len(book.seen) > 100)
        for name in "bc":
            members.append(Member(kind, name, book))
            members[-1].start()
        wait("three members", lambda: [m.assigned for m in members] == [2, 2, 2])
        mark = sent[0]
        wait("progress of three", lambda: max(book.seen) > mark + 200)
        members[1].leaves.set()
        members[1].join()
        rest = [members[0], members[2]]
        wait("two members", lambda: [m.assigned for m in rest] == [3, 3])
        mark = sent[0]
        wait("progress of two", lambda: max(book.seen) > mark + 200)
    finally:
        over.set()
        load.join()
    wait("all of %d records, there are %d" % (sent[0], len(book.seen)), lambda: len(book.seen) == sent[0])
    for member in members:
        member.leaves.set()
        member.join()
    assert not [m.fault for m in members if m.fault], [m.fault for m in members]
    print(kind, flush=True)


for kind in KINDS:
    history(kind)
