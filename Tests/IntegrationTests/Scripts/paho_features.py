"""Features of MQTT 5 and 3.1.1 through Eclipse Paho for Python: prints one line for each that works."""
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

port = int(sys.argv[1])


class Peer:
    """One client; what it gets is in `messages`, and `arrived` tells of it."""

    def __init__(self, name, version=mqtt.MQTTv5, clean=True, expiry=0):
        options = dict(client_id=name, protocol=version)
        if version != mqtt.MQTTv5:
            options["clean_session"] = clean
        if hasattr(mqtt, "CallbackAPIVersion"):
            options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
        self.client = mqtt.Client(**options)
        self.messages, self.arrived = [], threading.Condition()
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self.on_message
        if version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = expiry
            self.client.connect("127.0.0.1", port, clean_start=clean, properties=properties)
        else:
            self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.connected.wait(60), name

    def on_connect(self, client, data, flags, *_):
        self.was_present = bool(flags["session present"])
        self.connected.set()

    def on_message(self, client, data, message):
        with self.arrived:
            self.messages.append(message)
            self.arrived.notify_all()

    def subscribe(self, topic, **options):
        self.subscribed.clear()
        self.client.subscribe(topic, **options)
        assert self.subscribed.wait(60), topic

    def publish(self, topic, payload, qos=1, **options):
        self.client.publish(topic, payload, qos, **options).wait_for_publish(60)

    def wait(self, count):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.messages) >= count, 60), self.messages
        return self.messages

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def request_and_response():
    def answer(client, data, message):
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = message.properties.CorrelationData
        for pair in [("a", "1"), ("b", "2"), ("a", "3")]:
            properties.UserProperty = pair
        client.publish(message.properties.ResponseTopic, b"pong", 1, properties=properties)

    responder, requester = Peer("responder"), Peer("requester")
    responder.client.on_message = answer
    responder.subscribe("request/+", qos=1)
    requester.subscribe("response/x", qos=1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic, properties.CorrelationData = "response/x", b"\1\2"
    requester.publish("request/1", b"ping", properties=properties)
    answer = requester.wait(1)[0]
    assert answer.payload == b"pong" and answer.properties.CorrelationData == b"\1\2"
    assert answer.properties.UserProperty == [("a", "1"), ("b", "2"), ("a", "3")], answer.properties
    for peer in (responder, requester):
        peer.leave()


def retained():
    publisher, late = Peer("publisher"), Peer("late")
    publisher.publish("retained/1", b"v", 2, retain=True)
    late.subscribe("retained/#", options=SubscribeOptions(qos=1))
    message = late.wait(1)[0]
    assert (message.payload, message.qos, message.retain) == (b"v", 1, True)
    publisher.publish("retained/1", b"", retain=True)
    # Whoever stays would come back again and again once another has its name.
    for peer in (publisher, late):
        peer.leave()


def shared():
    publisher, members = Peer("publisher"), [Peer("a"), Peer("b")]
    for member in members:
        member.subscribe("$share/g/shared/#", qos=1)
    # An acknowledgement from each one's part of the broker: each part knows all members by now.
    for member in members:
        member.publish("joined", b"x")
    for number in range(10):
        publisher.publish(f"shared/{number}", b"x")
    for member in members:
        assert len(member.wait(5)) == 5
    for peer in [publisher, *members]:
        peer.leave()


def offline():
    for version, name in [(mqtt.MQTTv5, "five"), (mqtt.MQTTv311, "three")]:
        publisher, first = Peer("publisher"), Peer(name, version, clean=version == mqtt.MQTTv5, expiry=100)
        first.subscribe(f"offline/{name}", qos=2)
        first.leave()
        for number in range(5):
            publisher.publish(f"offline/{name}", str(number), 2)
        second = Peer(name, version, clean=False, expiry=100)
        assert second.was_present
        assert [message.payload for message in second.wait(5)] == [b"0", b"1", b"2", b"3", b"4"]
        second.leave()
        publisher.leave()


for feature in [request_and_response, retained, shared, offline]:
    feature()
    print(feature.__name__)
