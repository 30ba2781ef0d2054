"""Talks through a broker with paho-mqtt: publishes and receives at each QoS, a retained message, a will, offline messages."""
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, version = int(sys.argv[1]), {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5.0": mqtt.MQTTv5}[sys.argv[2]]
V5 = version == mqtt.MQTTv5


class Client:
    def __init__(self, name, clean=True, will=None):
        arguments = {} if V5 else {"clean_session": clean}
        self.client = mqtt.Client(name, protocol=version, **arguments)
        self.messages, self.event, self.connected, self.acked = [], threading.Condition(), threading.Event(), threading.Event()
        self.client.on_connect = lambda *_: self.connected.set()
        self.client.on_subscribe = lambda *_: self.acked.set()
        self.client.on_message = self.received
        if will:
            self.client.will_set(*will)
        options = {}
        if V5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 3600
            options = {"clean_start": clean, "properties": properties}
        self.client.connect("127.0.0.1", port, 60, **options)
        self.client.loop_start()
        assert self.connected.wait(10), "no CONNACK"

    def received(self, _client, _userdata, message):
        with self.event:
            self.messages.append((message.topic, message.payload, message.qos, message.retain))
            self.event.notify_all()

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        assert self.acked.wait(10), "no SUBACK"

    def wait_for(self, count):
        with self.event:
            assert self.event.wait_for(lambda: len(self.messages) >= count, 10), self.messages
        return self.messages

    def publish(self, topic, payload, qos, retain=False):
        self.client.publish(topic, payload, qos, retain).wait_for_publish(10)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


a, b = Client("a"), Client("b")
a.subscribe("room/+/x", 2)
for qos in (0, 1, 2):
    b.publish("room/%d/x" % qos, b"\x00\xff" + bytes([qos]), qos)
got = sorted(a.wait_for(3))
assert got == [("room/%d/x" % qos, b"\x00\xff" + bytes([qos]), qos, 0) for qos in (0, 1, 2)], got

b.publish("state", "on", 1, True)
c = Client("c")
c.subscribe("state", 1)
assert c.wait_for(1) == [("state", b"on", 1, 1)], c.messages

d = Client("d", will=("will", "gone", 1, False))
e = Client("e")
e.subscribe("will", 1)
d.client._sock_close()
assert e.wait_for(1) == [("will", b"gone", 1, 0)], e.messages

f = Client("f", clean=False)
f.subscribe("mail", 1)
f.stop()
for number in range(10):
    b.publish("mail", str(number), 1)
g = Client("f", clean=False)
assert [payload for _, payload, _, _ in g.wait_for(10)] == [b"%d" % number for number in range(10)], g.messages
for client in (a, b, c, e, g):
    client.stop()
d.client.loop_stop()
print("all is well")
