"""Transactional producers of confluent-kafka that show who they are: who may use an identifier goes through a
transaction, who may not hears TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53).

kafka_identifiers.py HOST:PORT USER PASSWORD IDENTIFIER: prints "committed", or the name of the error and its number.
"""

import sys

from confluent_kafka import KafkaException, Producer

broker, user, password, identifier = sys.argv[1:]
producer = Producer({
    "bootstrap.servers": broker, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "SCRAM-SHA-256",
    "sasl.username": user, "sasl.password": password, "transactional.id": identifier,
    "transaction.timeout.ms": 30000})
try:
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce("payments", b"1")
    producer.commit_transaction(60)
    print("committed")
except KafkaException as fault:
    print(fault.args[0].name(), fault.args[0].code())
