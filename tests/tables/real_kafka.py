#!/usr/bin/env python3
"""The component kafka on real brokers: Apache Kafka in KRaft mode, from Maven Central. Transactions, compaction, retention,
logins, TLS, a broker that is killed, memory. Needs a JVM, so it is tests/run full's and not CI's.

usage: real_kafka.py [TEST...]    (tools/install-deps kafka fetches both)
"""
import datetime as dt
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic, ResourcePatternType,
                                   ResourceType, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion)

import steps

JARS = pathlib.Path(os.environ.get("PENSTOCK_KAFKA", pathlib.Path.home() / ".cache/penstock/kafka")) / "lib"
WORD = "a-word-that-no-log-shows"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Broker:
    """One broker on loopback: without a login for the test, with login and TLS and few rights for who reads."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.plain, self.secure, self.controller = free_port(), free_port(), free_port()
        self.certificates()
        login = "org.apache.kafka.common.security"
        self.config = self.folder / "server.properties"
        self.config.write_text("\n".join(f"{k}={v}" for k, v in {
            "process.roles": "broker,controller", "node.id": 1, "log.dirs": self.folder / "logs",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller}", "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.plain},SASL_SSL://127.0.0.1:{self.secure},"
                         f"CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.plain},SASL_SSL://127.0.0.1:{self.secure}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT", "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1, "offsets.topic.num.partitions": 1,
            "auto.create.topics.enable": "true", "log.cleaner.backoff.ms": 200, "file.delete.delay.ms": 100,
            "log.retention.check.interval.ms": 500, "log.initial.task.delay.ms": 500,
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config":
                f'{login}.plain.PlainLoginModule required user_reader="{WORD}";',
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": self.folder / "broker.pem",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }.items()))
        self.java("kafka.tools.StorageTool", "format", "-t", uuid.uuid4().hex[:22], "-c", self.config).check_returncode()
        self.start()
        login = UserScramCredentialUpsertion("reader", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), WORD.encode())
        admin = AdminClient({"bootstrap.servers": self.brokers})  # ends with its last reference
        admin.alter_user_scram_credentials([login])["reader"].result(60)

    def certificates(self):
        authority, key = self.folder / "ca.pem", self.folder / "key.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test authority", "-days", "2", "-keyout",
                self.folder / "ca.key", "-out", authority)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-keyout", key, "-out", self.folder / "csr")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1")
        openssl("x509", "-req", "-in", self.folder / "csr", "-CA", authority, "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", self.folder / "names", "-out", self.folder / "crt")
        (self.folder / "broker.pem").write_text(key.read_text() + (self.folder / "crt").read_text())
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other authority", "-days", "2", "-keyout",
                self.folder / "other.key", "-out", self.folder / "other.pem")

    def command(self, main, *arguments):
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", main, *map(str, arguments)]

    def java(self, main, *arguments):
        return subprocess.run(self.command(main, *arguments), capture_output=True, text=True, timeout=120)

    def start(self):
        self.log = open(self.folder / "broker.log", "ab")
        self.process = subprocess.Popen(self.command("kafka.Kafka", self.config), stdout=self.log, stderr=self.log)
        end, why = time.time() + 300, ""
        while time.time() < end and self.process.poll() is None:
            try:
                if AdminClient({"bootstrap.servers": self.brokers, "log_level": 0}).list_topics(timeout=5).brokers:
                    return
            except KafkaException as e:
                why = str(e)
            time.sleep(0.2)
        self.kill()
        raise AssertionError(f"Kafka does not start: {why} {(self.folder / 'broker.log').read_text()[-3000:]}")

    @property
    def brokers(self):
        return f"127.0.0.1:{self.plain}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()


class RealKafka(steps.Steps):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory(prefix="penstock-kafka-")
        cls.broker = Broker(cls.home.name)
        cls.admin = AdminClient({"bootstrap.servers": cls.broker.brokers})

    @classmethod
    def tearDownClass(cls):
        cls.broker.kill()
        cls.home.cleanup()

    def topic(self, partitions=1, **config):
        name = f"t-{uuid.uuid4().hex[:8]}"
        self.admin.create_topics([NewTopic(name, partitions, 1, config={k.replace("_", "."): str(v) for k, v in config.items()})]
                                 )[name].result(60)
        return name

    def producer(self, **config):
        return Producer({"bootstrap.servers": self.broker.brokers, "linger.ms": 5} | {k.replace("_", "."): v for k, v in config.items()})

    def produce(self, topic, rows, partition=0, key=None, **config):
        producer = self.producer(**config)
        for n, row in enumerate(rows):
            producer.produce(topic, json.dumps(row), partition=partition, key=key(n) if key else None)
            if n % 10_000 == 9_999:
                producer.flush()
        self.assertEqual(producer.flush(60), 0)

    def kafka(self, topic, environment=None, inputs=None, **parameters):
        paths = {name: self.folder / name for name in ("dataset", "schema", "offsets")}
        if parameters.get("onBadRow"):
            paths["quarantine"] = self.folder / "quarantine"
        results = self.folder / "results"
        results.mkdir(exist_ok=True)
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self.broker.brokers, "TMPDIR": str(self.folder / "scratch"),
                       "PENSTOCK_RESULTS": str(results)} | (environment or {})
        begun = time.time()
        code, said = self.component("kafka", inputs or {}, paths, {"topic": topic} | parameters, environment)
        self.took = time.time() - begun
        self.assertNotIn(WORD, said)
        return code, said

    def rows(self, topic, **more):
        code, said = self.kafka(topic, **more)
        self.assertEqual(code, 0, said)
        return steps.rows_of(self.folder / "dataset")

    def kept(self, name):
        """The offsets of the last run, under another name."""
        path = self.folder / name
        os.replace(self.folder / "offsets", path)
        return path

    def said(self, topic, *words, **more):
        code, said = self.kafka(topic, **more)
        self.assertNotEqual(code, 0, said)
        for word in words:
            self.assertIn(word, said)

    # --- transactions

    def transaction(self, topic, rows, end, identity="one"):
        producer = self.producer(transactional_id=f"{topic}-{identity}")
        producer.init_transactions(60)
        producer.begin_transaction()
        for row in rows:
            producer.produce(topic, json.dumps(row), partition=0)
        producer.flush(60)
        if end == "commit":
            producer.commit_transaction(60)
        elif end == "abort":
            producer.abort_transaction(60)
        return producer

    def test_aborted_transactions_and_markers_at_the_end_do_not_hang(self):
        topic = self.topic()
        self.transaction(topic, [{"id": 1}, {"id": 2}], "commit")
        self.transaction(topic, [{"id": 3}, {"id": 4}], "abort")
        self.assertEqual([r["id"] for r in self.rows(topic, patience="20s")], [1, 2])
        self.assertLess(self.took, 15)
        self.assertEqual(json.loads((self.folder / "offsets").read_text())["partitions"]["0"], {"from": 0, "to": 6})
        self.assertEqual(len(self.rows(topic, isolation="read_uncommitted")), 4)

    def test_a_topic_of_aborted_messages_alone_ends(self):
        topic = self.topic()
        self.transaction(topic, [{"id": n} for n in range(50)], "abort")
        self.assertEqual(self.rows(topic, metadata=["offset"], patience="20s"), [])
        self.assertLess(self.took, 15)

    def test_an_open_transaction_is_not_waited_for_and_comes_with_the_next_run(self):
        topic = self.topic()
        self.produce(topic, [{"id": 1}])
        still = self.transaction(topic, [{"id": 2}], "open")
        self.produce(topic, [{"id": 3}])
        self.assertEqual([r["id"] for r in self.rows(topic, patience="20s")], [1])
        self.assertLess(self.took, 15)
        since = self.kept("since.json")
        still.commit_transaction(60)
        self.assertEqual([r["id"] for r in self.rows(topic, inputs={"since": since})], [2, 3])

    def test_the_end_is_the_one_at_the_start_while_aborted_messages_go_on(self):
        topic = self.topic()
        self.produce(topic, [{"id": 1}])
        stop = threading.Event()

        def write():
            producer = self.producer(transactional_id=f"{topic}-endless")
            producer.init_transactions(60)
            while not stop.is_set():
                producer.begin_transaction()
                producer.produce(topic, json.dumps({"id": -1}), partition=0)
                producer.flush(60)
                producer.abort_transaction(60)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            time.sleep(2)
            self.assertEqual([r["id"] for r in self.rows(topic, timeout="60s")], [1])
        finally:
            stop.set()
            writer.join()

    # --- what goes away

    def test_compacted_gaps_do_not_hang(self):
        topic = self.topic(cleanup_policy="compact", segment_ms=200, min_cleanable_dirty_ratio=0.01, delete_retention_ms=100,
                           max_compaction_lag_ms=500)
        for n in range(6):
            self.produce(topic, [{"id": k, "n": n} for k in range(20)], key=lambda k: f"k{k}")
            time.sleep(0.4)
        end = time.time() + 90
        while time.time() < end:
            rows = self.rows(topic, metadata=["offset", "key"], patience="20s")
            if len(rows) < 120:
                break
            self.produce(topic, [{"id": 100, "n": 0}], key=lambda k: "last")  # rolls the segment
            time.sleep(1)
        self.assertLess(len(rows), 120, "nothing was compacted")
        self.assertLess(self.took, 15)
        newest = {}
        for row in rows:
            newest[row["kafka_key"]] = row["n"]
        self.assertEqual({newest[f"k{k}"] for k in range(20)}, {5})

    def test_what_retention_took_is_named_or_skipped_and_counted(self):
        topic = self.topic()
        self.produce(topic, [{"id": n} for n in range(100)])
        self.rows(topic, to={"0": 10})
        since = self.kept("since.json")
        self.admin.delete_records([TopicPartition(topic, 0, 50)])
        end = time.time() + 60
        while time.time() < end and len(self.rows(topic)) != 50:
            time.sleep(0.2)
        self.said(topic, "partition 0: the messages from offset 10 to 49 are gone", "it holds 50 to 99",
                  inputs={"since": since})
        rows = self.rows(topic, inputs={"since": since}, onLost="Skip")
        self.assertEqual([r["id"] for r in rows], list(range(50, 100)))
        self.assertEqual(json.loads((self.folder / "results/lost").read_text()), 40)

    def test_a_topic_made_anew_is_told(self):
        topic = self.topic()
        self.produce(topic, [{"id": n} for n in range(10)])
        self.rows(topic)
        since = self.kept("since.json")
        self.admin.delete_topics([topic])[topic].result(60)
        time.sleep(2)
        self.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(60)
        self.produce(topic, [{"id": 1}])
        self.said(topic, "made anew", inputs={"since": since})

    # --- order, times, codecs

    def test_the_same_offsets_give_the_same_bytes(self):
        topic = self.topic(partitions=5)
        for p in range(5):
            self.produce(topic, [{"id": n, "p": p} for n in range(2000)], partition=p)
        first = self.rows(topic, metadata=["partition", "offset"])
        self.assertEqual([(r["kafka_partition"], r["kafka_offset"]) for r in first],
                         [(p, n) for p in range(5) for n in range(2000)])
        parts = [p.read_bytes() for p in sorted((self.folder / "dataset").glob("*.parquet"))]
        offsets = self.kept("offsets.json")
        self.produce(topic, [{"id": -1, "p": 9}])
        self.rows(topic, metadata=["partition", "offset"], inputs={"offsets": offsets})
        self.assertEqual(parts, [p.read_bytes() for p in sorted((self.folder / "dataset").glob("*.parquet"))])

    def test_times_choose_offsets(self):
        topic = self.topic()
        producer = self.producer()
        day = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
        for n in range(10):
            at = day + dt.timedelta(hours=n)
            producer.produce(topic, json.dumps({"hour": n}), partition=0, timestamp=int(at.timestamp() * 1000))
        producer.flush(60)
        rows = self.rows(topic, fromTime="2026-01-01T03:00:00Z", toTime="2026-01-01T06:00:00Z", metadata=["timestamp"])
        self.assertEqual([r["hour"] for r in rows], [3, 4, 5])
        self.assertEqual(rows[0]["kafka_timestamp"], dt.datetime(2026, 1, 1, 3))
        self.assertEqual(len(self.rows(topic, fromTime="2027-01-01T00:00:00Z", metadata=["offset"])), 0)

    def test_every_codec_is_read(self):
        for codec in "none", "gzip", "snappy", "lz4", "zstd":
            with self.subTest(codec):
                topic = self.topic()
                self.produce(topic, [{"id": n, "text": "x" * 100} for n in range(1000)], compression_type=codec)
                self.assertEqual(len(self.rows(topic)), 1000)

    # --- logins and TLS

    def login(self, mechanism="PLAIN", word=WORD, authority="ca.pem"):
        return {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.broker.secure}", "KAFKA_SASL_USERNAME": "reader",
                "KAFKA_SASL_PASSWORD": word, "KAFKA_SASL_MECHANISM": mechanism,
                "KAFKA_SSL_CA": str(self.broker.folder / authority)}

    def allow(self, topic):
        for operation in AclOperation.READ, AclOperation.DESCRIBE:
            binding = AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:reader", "*", operation,
                                 AclPermissionType.ALLOW)
            self.admin.create_acls([binding])[binding].result(60)

    def test_a_login_over_tls_needs_no_more_than_to_describe_and_read_the_topic(self):
        topic = self.topic()
        self.produce(topic, [{"id": 1}])
        self.said(topic, "topic", environment=self.login(), patience="10s")
        self.allow(topic)
        time.sleep(1)
        self.assertEqual(len(self.rows(topic, environment=self.login())), 1)
        code, said = self.kafka(topic, environment=self.login("SCRAM-SHA-512"))
        if code != 0:  # Debian's librdkafka, which is told
            self.assertIn("(2.6.1 can)", said)
        pem = self.login() | {"KAFKA_SSL_CA": (self.broker.folder / "ca.pem").read_text()}
        self.assertEqual(len(self.rows(topic, environment=pem)), 1)

    def test_a_wrong_word_and_a_wrong_authority_are_told_at_once(self):
        for mechanism in "PLAIN", "SCRAM-SHA-512":
            with self.subTest(mechanism):
                self.said("any", "refuses the login", environment=self.login(mechanism, word="wrong"))
                self.assertLess(self.took, 59)
        self.said("any", "TLS with the broker failed", environment=self.login(authority="other.pem"))
        self.assertLess(self.took, 59)

    def test_tls_against_a_port_without_it_is_told(self):
        environment = self.login() | {"KAFKA_BOOTSTRAP_SERVERS": self.broker.brokers}
        self.said("any", "TLS", environment=environment, patience="20s")

    # --- death, memory, speed

    def test_a_broker_that_is_killed_and_comes_back_loses_nothing(self):
        topic = self.topic(partitions=2, flush_messages=1)
        for p in range(2):
            self.produce(topic, [{"id": n, "pad": "x" * 400} for n in range(100_000)], partition=p)
        done = {}
        thread = threading.Thread(target=lambda: done.update(zip(("code", "said"), self.kafka(topic, patience="120s"))))
        thread.start()
        time.sleep(0.7)
        self.broker.kill()
        time.sleep(3)
        self.broker.start()
        thread.join()
        self.assertEqual(done["code"], 0, done["said"])
        rows = steps.rows_of(self.folder / "dataset")
        self.assertEqual([r["id"] for r in rows], list(range(100_000)) * 2)

    def peak(self, rows):
        """MiB of memory that a topic of so many texts takes; more than a batch of the dataset's."""
        topic = self.topic(partitions=4)
        for p in range(4):
            self.produce(topic, ("x" * 300 + str(n) for n in range(rows // 4)), partition=p, compression_type="lz4")
        command = [steps.PROGRAM, "kafka", "--parameter", f"topic={topic}", "--parameter", "format=text"]
        for name in "dataset", "schema", "offsets":
            command += ["--output", f"{name}={self.folder / name}"]
        begun = time.time()
        process = subprocess.Popen(command, env=os.environ | {"KAFKA_BOOTSTRAP_SERVERS": self.broker.brokers,
                                                             "TMPDIR": str(self.folder / "scratch")}, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.assertEqual(status, 0)
        print(f"{rows} messages, {rows * 306 >> 20} MiB: {time.time() - begun:.1f} s, {usage.ru_maxrss >> 10} MiB", file=sys.stderr)
        return usage.ru_maxrss >> 10

    def test_memory_does_not_grow_with_the_topic(self):
        small = self.peak(300_000)
        self.assertLess(self.peak(1_200_000), small * 1.3 + 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
