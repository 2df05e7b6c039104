"""A confluent-kafka member that reads topics by a pattern: prints the topic and value of each record, until the value is
"end".

kafka_pattern_member.py HOST:PORT PATTERN
"""

import sys

from confluent_kafka import Consumer

reader = Consumer({
    "bootstrap.servers": sys.argv[1], "group.id": "member", "group.protocol": "consumer", "auto.offset.reset": "earliest",
    "reconnect.backoff.max.ms": 500})
reader.subscribe([sys.argv[2]])
while True:
    message = reader.poll(0.2)
    # What is said of connections that were lost is no record.
    if message is None or message.error():
        continue
    print(message.topic(), message.value().decode(), flush=True)
    if message.value() == b"end":
        break
reader.close()
