"""Lets kafka-python 2.2 write the versions that Kafka 4 no longer has, with values drawn from a seed.

The names are those of Kafka's definitions, in the order of kafka-python's schemas; a question mark says that null may be.
"""

import json
import random

from kafka.protocol import admin, commit
from kafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Int64, Schema, String

ACL = ["principal", "host", "operation", "permissionType"]
FILTER = ["resourceTypeFilter", "resourceNameFilter?", "principalFilter?", "hostFilter?", "operation", "permissionType"]
TOPICS = [
    "name", "numPartitions", "replicationFactor", "assignments", ["partitionIndex", "brokerIds"],
    "configs", ["name", "value?"],
]
LOG_DIRS = ["name", "partitions", ["partitionIndex", "partitionSize", "offsetLag", "isFutureKey"]]
CONFIGS = ["name", "value?", "readOnly", "isDefault", "isSensitive"]
DELETED = ["errorCode", "errorMessage?", "resourceType", "resourceName"] + ACL
NAMES = {
    ("OffsetCommitRequest", 1): [
        "groupId", "generationIdOrMemberEpoch", "memberId", "topics",
        ["name", "partitions", ["partitionIndex", "committedOffset", "commitTimestamp", "committedMetadata?"]],
    ],
    ("OffsetCommitResponse", 1): ["topics", ["name", "partitions", ["partitionIndex", "errorCode"]]],
    ("CreateTopicsRequest", 0): ["topics", TOPICS, "timeoutMs"],
    ("CreateTopicsRequest", 1): ["topics", TOPICS, "timeoutMs", "validateOnly"],
    ("CreateTopicsResponse", 0): ["topics", ["name", "errorCode"]],
    ("CreateTopicsResponse", 1): ["topics", ["name", "errorCode", "errorMessage?"]],
    ("DeleteTopicsRequest", 0): ["topicNames", "timeoutMs"],
    ("DeleteTopicsResponse", 0): ["responses", ["name", "errorCode"]],
    ("DescribeAclsRequest", 0): FILTER,
    ("DescribeAclsResponse", 0): [
        "throttleTimeMs", "errorCode", "errorMessage?", "resources", ["resourceType", "resourceName", "acls", ACL],
    ],
    ("CreateAclsRequest", 0): ["creations", ["resourceType", "resourceName"] + ACL],
    ("CreateAclsResponse", 0): ["throttleTimeMs", "results", ["errorCode", "errorMessage?"]],
    ("DeleteAclsRequest", 0): ["filters", FILTER],
    ("DeleteAclsResponse", 0): [
        "throttleTimeMs", "filterResults", ["errorCode", "errorMessage?", "matchingAcls", DELETED],
    ],
    ("DescribeConfigsRequest", 0): ["resources", ["resourceType", "resourceName", "configurationKeys?"]],
    ("DescribeConfigsResponse", 0): [
        "throttleTimeMs", "results",
        ["errorCode", "errorMessage?", "resourceType", "resourceName", "configs", CONFIGS],
    ],
    ("DescribeLogDirsRequest", 0): ["topics?", ["topic", "partitions"]],
    ("DescribeLogDirsResponse", 0): ["throttleTimeMs", "results", ["errorCode", "logDir", "topics", LOG_DIRS]],
}
# kafka-python has one number here where Kafka has an array, as in the version after this.
CORRECTED = {
    ("DescribeLogDirsRequest", 0): Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32))))),
}
BITS = {Int8: 8, Int16: 16, Int32: 32, Int64: 64}


def number(bits):
    edges = [0, 1, -1, -(1 << (bits - 1)), (1 << (bits - 1)) - 1]
    return random.choice(edges) if random.randrange(4) == 0 else random.getrandbits(bits) - (1 << (bits - 1))


def fields(schema, names):
    """Values for Kafka's names, and the same as kafka-python takes them."""
    values, arguments = {}, []
    rest = list(names)
    for kind in schema.fields:
        name = rest.pop(0)
        inner = rest.pop(0) if rest and isinstance(rest[0], list) else None
        if name.endswith("?") and random.randrange(3) == 0:
            value, argument = None, None
        else:
            value, argument = draw(kind, inner)
        values[name.rstrip("?")] = value
        arguments.append(argument)
    return values, tuple(arguments)


def draw(kind, names):
    if isinstance(kind, Array):
        drawn = [draw(kind.array_of, names) for _ in range(random.randrange(3))]
        return [value for value, _ in drawn], [argument for _, argument in drawn]
    if isinstance(kind, Schema):
        return fields(kind, names)
    if isinstance(kind, String):
        value = "".join(random.choice("abcxyz019-_./é漢") for _ in range(random.randrange(9)))
    elif kind is Boolean:
        value = random.random() < 0.5
    else:
        value = number(BITS[kind])
    return value, value


print("# Written by kafka-python 2.2 (see make). Message, version, bytes, values.")
for (message, version), names in NAMES.items():
    module = commit if message.startswith("Offset") else admin
    schema = CORRECTED.get((message, version)) or getattr(module, f"{message}_v{version}").SCHEMA
    for seed in range(3):
        random.seed(f"{message} {version} {seed}")
        values, arguments = fields(schema, names)
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        print(message, version, schema.encode(arguments).hex(), text)
