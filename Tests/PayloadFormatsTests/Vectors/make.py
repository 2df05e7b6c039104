"""Makes sparkplug.txt and cbor.txt beside this file: python3 make.py; needs python3-protobuf and python3-cbor2.

The payloads come from encoders that are not ours: Google's protobuf with Sparkplug B's message, built here from its
field numbers, and cbor2.
"""
import datetime
import os

import cbor2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto
TYPES = {"uint64": F.TYPE_UINT64, "uint32": F.TYPE_UINT32, "bool": F.TYPE_BOOL, "string": F.TYPE_STRING,
         "bytes": F.TYPE_BYTES, "float": F.TYPE_FLOAT, "double": F.TYPE_DOUBLE}


def message(file, name, fields):
    added = file.message_type.add(name=name)
    for number, field, kind in fields:
        repeated = kind.startswith("*")
        kind = kind.lstrip("*")
        made = added.field.add(name=field, number=number, label=F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL)
        if kind in TYPES:
            made.type = TYPES[kind]
        else:
            made.type = F.TYPE_MESSAGE
            made.type_name = ".sparkplug." + kind


file = descriptor_pb2.FileDescriptorProto(name="sparkplug.proto", package="sparkplug", syntax="proto2")
message(file, "MetaData", [(3, "size", "uint64"), (4, "seq", "uint64"), (8, "description", "string")])
message(file, "PropertyValue", [(1, "type", "uint32"), (2, "is_null", "bool"), (8, "string_value", "string")])
message(file, "PropertySet", [(1, "keys", "*string"), (2, "values", "*PropertyValue")])
message(file, "DataSet", [(1, "num_of_columns", "uint64"), (2, "columns", "*string"), (3, "types", "*uint32")])
message(file, "Metric", [
    (1, "name", "string"), (2, "alias", "uint64"), (3, "timestamp", "uint64"), (4, "datatype", "uint32"),
    (5, "is_historical", "bool"), (6, "is_transient", "bool"), (7, "is_null", "bool"), (8, "metadata", "MetaData"),
    (9, "properties", "PropertySet"), (10, "int_value", "uint32"), (11, "long_value", "uint64"),
    (12, "float_value", "float"), (13, "double_value", "double"), (14, "boolean_value", "bool"),
    (15, "string_value", "string"), (16, "bytes_value", "bytes"), (17, "dataset_value", "DataSet")])
message(file, "Payload", [
    (1, "timestamp", "uint64"), (2, "metrics", "*Metric"), (3, "seq", "uint64"), (4, "uuid", "string"),
    (5, "body", "bytes")])
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Payload = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("sparkplug.Payload"))

NOW = 1767225600123


def payload(seq, *metrics):
    made = Payload(timestamp=NOW, seq=seq)
    for metric in metrics:
        made.metrics.add(**metric)
    return made.SerializeToString()


sparkplug = {
    "nbirth": payload(
        0,
        dict(name="bdSeq", alias=0, timestamp=NOW, datatype=4, long_value=7),
        dict(name="Node Control/Rebirth", alias=1, timestamp=NOW, datatype=11, boolean_value=False),
        dict(name="temperature", alias=2, timestamp=NOW, datatype=9, float_value=21.5,
             properties=dict(keys=["unit"], values=[dict(type=12, string_value="°C")])),
        dict(name="counter", alias=3, timestamp=NOW, datatype=8, long_value=2**64 - 1),
        dict(name="state", alias=4, timestamp=NOW, datatype=12, string_value="ok"),
        dict(name="offset", alias=5, timestamp=NOW, datatype=2, int_value=-5 & 0xFFFFFFFF),
        dict(name="made", alias=6, timestamp=NOW, datatype=13, long_value=NOW),
        dict(name="table", alias=2**40, timestamp=NOW, datatype=16,
             dataset_value=dict(num_of_columns=1, columns=["a"], types=[9])),
        dict(name="pressure", timestamp=NOW, datatype=10, double_value=1013.25)),
    "dbirth": payload(1, dict(name="level", alias=7, timestamp=NOW, datatype=3, int_value=-3 & 0xFFFFFFFF)),
    "ddata": payload(
        2,
        dict(alias=2, timestamp=NOW, float_value=-4.25), dict(alias=3, timestamp=NOW, long_value=12),
        dict(alias=4, timestamp=NOW, string_value="low"), dict(alias=5, timestamp=NOW, int_value=-300 & 0xFFFFFFFF),
        dict(alias=6, timestamp=NOW, long_value=NOW + 1), dict(name="pressure", timestamp=NOW, double_value=990.5),
        dict(alias=7, timestamp=NOW, int_value=-1 & 0xFFFFFFFF)),
    "ddata-twice": payload(
        255, dict(alias=2, timestamp=NOW - 9, is_historical=True, float_value=1), dict(alias=2, float_value=2)),
    "ddata-null": payload(3, dict(alias=2, timestamp=NOW, is_null=True)),
    "ddata-unknown-alias": payload(4, dict(alias=2, float_value=1), dict(alias=99, float_value=1)),
    "ddata-other-type": payload(5, dict(alias=2, string_value="warm")),
    "ddata-out-of-range": payload(6, dict(alias=2, float_value=400)),
    "ddata-nan": payload(6, dict(alias=2, float_value=float("nan"))),
    "ddata-nothing": payload(7, dict(alias=2, timestamp=NOW)),
    "ddata-no-name": payload(8, dict(timestamp=NOW, float_value=1)),
    "ndeath": Payload(timestamp=NOW, metrics=[dict(name="bdSeq", datatype=4, long_value=7)]).SerializeToString(),
}

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)
cbor = {
    "reading": cbor2.dumps({"temperature": 21.5, "battery": 97, "state": "ok", "open": True, "n": 7}),
    "half-float": bytes.fromhex("a1") + cbor2.dumps("temperature") + bytes.fromhex("f94d60"),
    "time-tag-0": cbor2.dumps({"temperature": 1, "ts": MOMENT}),
    "time-tag-1": cbor2.dumps({"temperature": 1, "ts": MOMENT}, datetime_as_timestamp=True),
    "time-plain": cbor2.dumps({"temperature": 1, "ts": 1767225600123}),
    "nested": cbor2.dumps({"x": [1, {"y": b"z"}], "phases": [{"voltage": 1}, {"voltage": 231.5}], "temperature": 0}),
    "numbered": cbor2.dumps({"temperature": 0, "phases": {1: {"voltage": 5}, -2: 3}}),
    "negative": cbor2.dumps({"temperature": -1, "battery": 0, "n": -(2**63)}),
    "bignum": cbor2.dumps({"temperature": 2**70}),
    "null": cbor2.dumps({"temperature": 1, "battery": None}),
    "nan": cbor2.dumps({"temperature": float("nan")}),
    "twice": bytes.fromhex("a2") + 2 * (cbor2.dumps("temperature") + b"\x01"),
    "text": cbor2.dumps({"temperature": "21.5"}),
    "scalar": cbor2.dumps(5),
    "undefined": bytes.fromhex("a1") + cbor2.dumps("temperature") + b"\xf7",
}

here = os.path.dirname(os.path.abspath(__file__))
for name, payloads in (("sparkplug", sparkplug), ("cbor", cbor)):
    with open(os.path.join(here, name + ".txt"), "w") as out:
        out.write("# made by make.py; a name and the payload in hexadecimal\n")
        for key, made in payloads.items():
            out.write(f"{key} {made.hex()}\n")
