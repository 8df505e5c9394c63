#!/usr/bin/env python3
"""Writes the tables of this folder as deltalake and pyiceberg write them, and beside each the rows that these read.

Needs deltalake, pyiceberg[sql-sqlite,pyarrow,pyiceberg-core,snappy] and pyroaring; usage: make.py. What neither of the two writes (column
mapping, deletion vectors, position deletes) is written here by the specifications, and read by them all the same.
"""
import datetime as dt
import decimal
import json
import pathlib
import shutil
import struct
import uuid
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pyroaring
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent, ManifestEntry, ManifestEntryStatus, ManifestFile,
                                ManifestWriterV2, write_manifest_list)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform, IdentityTransform, MonthTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (DateType, DecimalType, DoubleType, IntegerType, LongType, NestedField, StringType, TimeType, UUIDType)

HERE = pathlib.Path(__file__).resolve().parent
WAREHOUSE = pathlib.Path("/tmp/lake")  # where Iceberg's tables say that they lie


def keep(name, table):
    """The rows that another reader has of the table."""
    table = pa.table(table)
    fields = []
    for field in table.schema:  # arrow's views, which a Parquet file does not need
        kind = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(field.type, field.type)
        fields.append(pa.field(field.name, kind))
    table = table.cast(pa.schema(fields))
    write(table, HERE / f"{name}.parquet")


def write(table, path):
    """Small where whole numbers follow each other."""
    whole = [f.name for f in table.schema if f.type == pa.int64()] if table.num_rows > 1000 else []
    pq.write_table(table, path, compression="zstd", use_dictionary=[f.name for f in table.schema if f.name not in whole],
                   column_encoding={name: "DELTA_BINARY_PACKED" for name in whole})


def delta(path):
    return QueryBuilder().register("t", DeltaTable(path)).execute("SELECT * FROM t").read_all()


def folder(name):
    path = HERE / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def types(first, n):
    """n rows of every type that both formats have."""
    rows = range(first, first + n)
    return pa.table({
        "id": pa.array(rows, pa.int64()),
        "small": pa.array([None if i % 3 == 0 else i for i in rows], pa.int32()),
        "ratio": pa.array([i / 4 for i in rows], pa.float32()),
        "amount": pa.array([decimal.Decimal(i) / 100 for i in rows], pa.decimal128(12, 2)),
        "city": pa.array([None if i % 4 == 0 else f"Zürich {i}" for i in rows]),
        "late": pa.array([i % 2 == 0 for i in rows]),
        "day": pa.array([dt.date(2024, 2, 28) + dt.timedelta(days=i) for i in rows]),
        "at": pa.array([dt.datetime(1969, 12, 31, 23, 59, 59, 999999, dt.timezone.utc) + dt.timedelta(hours=i) for i in rows],
                       pa.timestamp("us", "UTC")),
        "raw": pa.array([bytes([i % 256, 255]) for i in rows]),
        "tags": pa.array([[f"t{i}", None] if i % 2 else [] for i in rows], pa.list_(pa.string())),
    })


def delta_plain():
    path = folder("delta-plain")
    write_deltalake(path, types(0, 3))
    write_deltalake(path, types(3, 4), mode="append")
    more = types(7, 2).append_column("note", pa.array(["new", None]))
    write_deltalake(path, more, mode="append", schema_mode="merge")
    table = DeltaTable(path)
    keep("delta-plain-0", delta_of(path, 0))
    table.create_checkpoint()
    table.delete("id = 4 OR id = 8")
    write_deltalake(path, types(20, 1).append_column("note", pa.array(["late"])), mode="append")
    keep("delta-plain", delta(path))


def delta_of(path, version):
    table = DeltaTable(path, version=version)
    return QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()


def delta_partitions():
    path = folder("delta-partitions")
    names = ["plain", None, "a b", "a/b", "x=y", "100%", "ä€", "q?#&+", "2%20"]
    table = pa.table({
        "place": names,
        "n": pa.array([None if i == 3 else i for i in range(len(names))], pa.int32()),
        "day": pa.array([None if i == 1 else dt.date(2024, 1, 1 + i) for i in range(len(names))]),
        "at": pa.array([dt.datetime(2024, 1, 1, 12, 30, i, 250000 if i % 2 else 0, dt.timezone.utc) for i in range(len(names))],
                       pa.timestamp("us", "UTC")),
        "open": pa.array([i % 2 == 0 for i in range(len(names))]),
        "price": pa.array([decimal.Decimal(i) / 4 for i in range(len(names))], pa.decimal128(8, 2)),
        "value": pa.array([float(i) for i in range(len(names))]),
    })
    write_deltalake(path, table, partition_by=["place", "n", "day", "at", "open", "price"])
    keep("delta-partitions", delta(path))


def log(path, version, *actions):
    (path / "_delta_log").mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions)
    (path / "_delta_log" / f"{version:020}.json").write_text(text)


def data_file(path, name, table, partition=None, **more):
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    write(table, path / name)
    return {"add": {"path": name, "partitionValues": partition or {}, "size": (path / name).stat().st_size, "modificationTime": 0,
                    "dataChange": True, "stats": json.dumps({"numRecords": table.num_rows}), **more}}


def head(protocol, fields, partitions=(), **configuration):
    schema = {"type": "struct", "fields": fields}
    return [{"protocol": protocol},
            {"metaData": {"id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "format": {"provider": "parquet", "options": {}},
                          "schemaString": json.dumps(schema), "partitionColumns": list(partitions),
                          "configuration": configuration, "createdTime": 0}}]


def mapped(name, kind, number):
    return {"name": name, "type": kind, "nullable": True,
            "metadata": {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}}


def delta_mapping():
    """Renamed, dropped and added again, by name and by id."""
    numbered = pa.schema([pa.field("col-1", pa.int64(), metadata={"PARQUET:field_id": "1"}),
                          pa.field("col-2", pa.string(), metadata={"PARQUET:field_id": "2"}),
                          pa.field("col-3", pa.float64(), metadata={"PARQUET:field_id": "3"})])
    first = pa.table({"col-1": [1, 2], "col-2": ["a", None], "col-3": [0.5, 1.5]}, schema=numbered)
    fields = [mapped("key", "long", 1), mapped("name in it", "string", 2), mapped("part", "integer", 4), mapped("ratio", "double", 5)]
    for mode in ("name", "id"):
        path = folder(f"delta-mapping-{mode}")
        log(path, 0, *head({"minReaderVersion": 2, "minWriterVersion": 5}, fields, ["part"],
                           **{"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "5"}),
            data_file(path, "ab/one.parquet", first, {"col-4": "7"}))
        keep(f"delta-mapping-{mode}", delta(path))


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    text = ""
    for i in range(0, len(data), 4):
        value = int.from_bytes(data[i:i + 4], "big")
        text += "".join(Z85[value // 85**k % 85] for k in (4, 3, 2, 1, 0))
    return text


def vector(rows, runs=False):
    bits = pyroaring.BitMap64(rows)
    if runs:
        bits.run_optimize()
    return struct.pack("<I", 1681511377) + bits.serialize()


def delta_vectors():
    path = folder("delta-vectors")
    fields = [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    path.mkdir()
    several = b"\x01"
    places = []
    # A list, one of bits (more than 4096), runs, and runs of more than three containers.
    sets = [([0, 5, 19_999], False, 20_000), (range(0, 20_000, 2), False, 20_000), (range(10, 90), True, 100),
            ([i for c in range(5) for i in range(c * 65_536, c * 65_536 + 100)], True, 270_000)]
    for rows, runs, _ in sets:
        data = vector(rows, runs)
        places.append(len(several))
        several += struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    name = uuid.UUID("d2c639aa-8816-431a-aaf6-d3fe2512ff61")
    (path / "ab").mkdir()
    (path / "ab" / f"deletion_vector_{name}.bin").write_bytes(several)
    adds = []
    for i, (rows, runs, count) in enumerate(sets):
        size = len(vector(rows, runs))
        where = {"storageType": "u", "pathOrInlineDv": "ab" + z85(name.bytes), "offset": places[i], "sizeInBytes": size, "cardinality": len(rows)}
        table = pa.table({"id": pa.array(range(i * 1_000_000, i * 1_000_000 + count), pa.int64())})
        adds.append(data_file(path, f"{i}.parquet", table, deletionVector=where))
    data = vector([1])
    padded = data + b"\0" * (-len(data) % 4)
    adds.append(data_file(path, "9.parquet", pa.table({"id": pa.array([-1, -2, -3], pa.int64())}),
                          deletionVector={"storageType": "i", "pathOrInlineDv": z85(padded), "sizeInBytes": len(data), "cardinality": 1}))
    log(path, 0, *head(protocol, fields), data_file(path, "0.parquet", pa.table({"id": pa.array(range(20_000), pa.int64())})))
    log(path, 1, {"remove": {"path": "0.parquet", "deletionTimestamp": 0, "dataChange": True}}, *adds)
    keep("delta-vectors", delta(path))


def catalog():
    shutil.rmtree(WAREHOUSE, ignore_errors=True)
    WAREHOUSE.mkdir()
    made = SqlCatalog("c", uri=f"sqlite:///{WAREHOUSE}/catalog.db", warehouse=f"file://{WAREHOUSE}")
    made.create_namespace("db")
    return made


def finish(name, table, hint=True):
    """The table's folder into this one, without what older states alone need."""
    target = folder(name)
    shutil.copytree(WAREHOUSE / "db" / name, target)
    if hint:
        (target / "metadata" / "version-hint.text").write_text(pathlib.Path(table.metadata_location).name[:-len(".metadata.json")])


def iceberg_plain(made):
    name = "iceberg-plain"
    rows = types(0, 3)
    table = made.create_table(f"db.{name}", rows.schema)
    table.append(rows)
    first = table.current_snapshot().snapshot_id
    keep(f"{name}-first", table.scan().to_arrow())
    with table.update_schema() as schema:
        schema.rename_column("city", "town")
        schema.update_column("small", LongType())
        schema.update_column("ratio", DoubleType())
        schema.update_column("amount", DecimalType(20, 2))
        schema.delete_column("late")
        schema.add_column("late", StringType())
    with table.update_schema() as schema:
        schema.move_first("town")
    more = types(3, 4)
    table.append(pa.table({"town": more["city"], "id": more["id"], "small": pa.array([2**40] * 4), "ratio": pa.array([0.1] * 4),
                           "amount": more["amount"].cast(pa.decimal128(20, 2)), "day": more["day"], "at": more["at"], "raw": more["raw"],
                           "tags": more["tags"], "late": pa.array(["very", None, "not", ""])}, schema=table.schema().as_arrow()))
    table.delete("id = 1 or id = 5")
    keep(name, table.scan().to_arrow())
    finish(name, table)
    (HERE / f"{name}-first.snapshot").write_text(str(first))


def iceberg_partitions(made):
    name = "iceberg-partitions"
    schema = Schema(NestedField(1, "place", StringType()), NestedField(2, "n", IntegerType()), NestedField(3, "day", DateType()),
                    NestedField(4, "who", UUIDType()), NestedField(5, "clock", TimeType()), NestedField(6, "value", DoubleType()))
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "place"), PartitionField(3, 1001, MonthTransform(), "day_month"),
                         PartitionField(2, 1002, BucketTransform(4), "n_bucket"))
    table = made.create_table(f"db.{name}", schema, partition_spec=spec, properties={"write.parquet.compression-codec": "snappy"})
    names = ["plain", None, "a b", "a/b", "x=y", "100%", "ä€", "q?#&+"]
    rows = pa.table({"place": names, "n": pa.array([None if i == 3 else i for i in range(8)], pa.int32()),
                     "day": pa.array([None if i == 1 else dt.date(2024, 1 + i, 1) for i in range(8)]),
                     "who": pa.array([None if i == 2 else uuid.UUID(int=i << 100).bytes for i in range(8)], pa.binary(16)),
                     "clock": pa.array([dt.time(12, i, 0, i) for i in range(8)], pa.time64("us")),
                     "value": [float(i) for i in range(8)]})
    table.append(rows.cast(table.schema().as_arrow()))
    with table.update_spec() as change:
        change.remove_field("n_bucket")
    table.append(rows.slice(0, 2).cast(table.schema().as_arrow()))
    read = table.scan().to_arrow()
    texts = pa.array([None if v is None else str(v if isinstance(v, uuid.UUID) else uuid.UUID(bytes=v)) for v in read["who"].to_pylist()])
    keep(name, read.set_column(3, "who", texts))
    finish(name, table)


class DeletesWriter(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


def iceberg_deletes(made):
    """pyiceberg reads position deletes, and writes none: the delete files are written here, between two appends."""
    name = "iceberg-deletes"
    ids = pa.schema([("id", pa.int64())])
    table = made.create_table(f"db.{name}", ids, properties={"format-version": "2"})
    table.append(pa.table({"id": range(0, 10)}, schema=ids))
    table.append(pa.table({"id": range(10, 20)}, schema=ids))
    paths = sorted((t.file.file_path for t in table.scan().plan_files()), key=lambda p: pq.read_table(p[7:])["id"][0].as_py())
    deletes = pa.table({"file_path": [paths[0]] * 2 + [paths[1]] * 2, "pos": pa.array([0, 9, 3, 3], pa.int64())},
                       schema=pa.schema([pa.field("file_path", pa.string(), False, {"PARQUET:field_id": "2147483546"}),
                                         pa.field("pos", pa.int64(), False, {"PARQUET:field_id": "2147483545"})]))
    base = f"file://{WAREHOUSE}/db/{name}"
    file = f"{base}/data/deletes.parquet"
    pq.write_table(deletes, file[7:])
    metadata_path = pathlib.Path(table.metadata_location[7:])
    metadata = json.loads(metadata_path.read_text())
    snapshot, sequence = 4242, metadata["last-sequence-number"] + 1
    entry = DataFile.from_args(content=DataFileContent.POSITION_DELETES, file_path=file, file_format=FileFormat.PARQUET, partition=Record(),
                               record_count=4, file_size_in_bytes=pathlib.Path(file[7:]).stat().st_size)
    manifest = f"{base}/metadata/deletes-m0.avro"
    with DeletesWriter(table.spec(), table.schema(), table.io.new_output(manifest), snapshot, "zstandard") as writer:
        writer.add_entry(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot, data_file=entry))
    listed = f"{base}/metadata/snap-deletes.avro"
    with write_manifest_list(2, table.io.new_output(listed), snapshot, metadata["current-snapshot-id"], sequence, "snappy") as writer:
        writer.add_manifests(table.current_snapshot().manifests(table.io) + [written_manifest(writer, manifest, snapshot)])
    metadata["snapshots"].append({"snapshot-id": snapshot, "parent-snapshot-id": metadata["current-snapshot-id"], "sequence-number": sequence,
                                  "timestamp-ms": metadata["last-updated-ms"], "manifest-list": listed,
                                  "summary": {"operation": "delete"}, "schema-id": 0})
    metadata.update({"current-snapshot-id": snapshot, "last-sequence-number": sequence})
    metadata["refs"]["main"]["snapshot-id"] = snapshot
    metadata_path.write_text(json.dumps(metadata))
    table = StaticTable.from_metadata(table.metadata_location)
    keep(name, table.scan().to_arrow())
    finish(name, table)


def written_manifest(writer, path, snapshot):
    return ManifestFile.from_args(manifest_path=path, manifest_length=pathlib.Path(path[7:]).stat().st_size, partition_spec_id=0,
                                  content=ManifestContent.DELETES, sequence_number=-1, min_sequence_number=-1, added_snapshot_id=snapshot,
                                  added_files_count=1, existing_files_count=0, deleted_files_count=0, added_rows_count=4,
                                  existing_rows_count=0, deleted_rows_count=0, partitions=[], key_metadata=None)


def iceberg_adopted(made):
    """Files of another writer, without field ids and without their partition's column, in format version 1."""
    name = "iceberg-adopted"
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "text", StringType()))
    table = made.create_table(f"db.{name}", schema, properties={"format-version": "1"})
    path = WAREHOUSE / "db" / name / "data" / "other.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": ["x", None], "id": pa.array([1, 2], pa.int64())}), path)
    table.add_files([f"file://{path}"])
    keep(name, table.scan().to_arrow())
    finish(name, table)


def delta_untyped():
    """A column that had no value, and so no type, when the first file was written."""
    path = folder("delta-untyped")
    write_deltalake(path, pa.table({"id": pa.array([1, 2], pa.int64()), "x": pa.nulls(2)}))
    write_deltalake(path, pa.table({"id": pa.array([3], pa.int64()), "x": [1.5]}), mode="append", schema_mode="merge")
    keep("delta-untyped", delta(path))


if __name__ == "__main__":
    delta_plain()
    delta_partitions()
    delta_mapping()
    delta_vectors()
    delta_untyped()
    lake = catalog()
    iceberg_plain(lake)
    iceberg_partitions(lake)
    iceberg_deletes(lake)
    iceberg_adopted(lake)
    shutil.rmtree(WAREHOUSE)
