"""Artifacts into a store and out of it: a MinIO on loopback beside mc and boto3, a volume beside cp and sha256sum.

Each round measures both sides one after the other on the same file; the ratio is the other's time over ours. Ours digests,
and verifies on the way back; cp is followed by sha256sum for that, mc and boto3 are not.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
COPY = BUILD / "bin/store-copy"
PYTHON = os.environ.get("PENSTOCK_BENCH_PYTHON", sys.executable)
MC = os.environ.get("PENSTOCK_MC") or shutil.which("mc")
LARGE, SMALL_FILES, SMALL_BYTES = 4 << 30, 10_000, 2_000
MEMORY = 64 << 20
BOTO3 = """
import boto3, os, pathlib, sys
verb, endpoint, bucket, user, password, path = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=user, aws_secret_access_key=password, region_name="us-east-1")
path = pathlib.Path(path)
if verb == "get":
    s3.download_file(bucket, "boto3/file", str(path))
elif path.is_file():
    s3.upload_file(str(path), bucket, "boto3/file")
else:
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        s3.upload_file(str(file), bucket, f"boto3/{file.relative_to(path)}")
"""

sys.path.insert(0, str(ROOT / "tests/integration"))
import real_store  # noqa: E402


class Ran:
    """A command that ended well: wall seconds and the largest resident set, in bytes."""

    def __init__(self, *argv, environment=None):
        start = time.monotonic()
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen([str(a) for a in argv], stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.wall, self.peak = time.monotonic() - start, usage.ru_maxrss * 1024
            said.seek(0)
            self.said = said.read().decode(errors="replace").strip()
        if child.returncode != 0:
            raise RuntimeError(f"{argv[0]} {argv[1]}: {self.said[-2000:]}")


def fill(file, size):
    """Bytes that no disk and no store can leave out."""
    with open(file, "wb") as out:
        while size > 0:
            out.write(os.urandom(min(size, 16 << 20)))
            size -= 16 << 20


class Bench:
    def __init__(self, table, options, scratch):
        self.table, self.rounds, self.scratch = table, options.rounds, scratch
        self.file, self.folder = scratch / "file", scratch / "folder"
        fill(self.file, int(LARGE * options.size))
        for i in range(int(SMALL_FILES * options.size)):
            part = self.folder / f"{i % 100:02}"
            part.mkdir(parents=True, exist_ok=True)
            (part / str(i)).write_bytes(os.urandom(SMALL_BYTES))
        self.size = f"{self.file.stat().st_size / (1 << 30):g} GiB"

    def against(self, name, ours, others, bound, memory=True):
        """ours() and others() each run once a round; the ratio is theirs over ours."""
        ratios, peaks, seconds = [], [], []
        for _ in range(self.rounds):
            theirs = others()
            mine = ours()
            ratios.append(theirs.wall / mine.wall)
            peaks.append(mine.peak)
            seconds.append((mine.wall, theirs.wall))
        mine, theirs = (sorted(side)[len(side) // 2] for side in zip(*seconds))
        self.table.at_least(name, ratios, bound, note=f"{mine:.2f} s against {theirs:.2f} s")
        if memory:
            self.table.at_most(f"{name}: memory", [p / (1 << 20) for p in peaks], MEMORY / (1 << 20), "MiB")

    def volume(self):
        store, back = self.scratch / "store", self.scratch / "back"

        def ours():
            shutil.rmtree(store, ignore_errors=True)
            return Ran(COPY, "put", store, self.file)

        def theirs():
            back.unlink(missing_ok=True)
            return Ran("sh", "-c", 'cp "$1" "$2" && sync "$2" && sha256sum "$2"', "sh", self.file, back)

        self.against(f"volume: {self.size} in, against cp and sha256sum", ours, theirs, 0.9)
        shutil.rmtree(store, ignore_errors=True)

    def bucket(self, minio):
        mine = f"s3:{minio.endpoint},{minio.bucket},{minio.user},{minio.password}"
        keys = (minio.endpoint, minio.bucket, minio.user, minio.password)
        alias = {"MC_HOST_bench": minio.endpoint.replace("://", f"://{minio.user}:{minio.password}@"), "MC_CONFIG_DIR": str(self.scratch / "mc")}
        remote, back = f"bench/{minio.bucket}/mc/file", self.scratch / "back"
        data = minio.folder / "data" / minio.bucket

        def emptied(run):
            def do():
                for kind in data.iterdir():
                    shutil.rmtree(kind)
                back.unlink(missing_ok=True)
                return run()
            return do

        def fetched(run):
            def do():
                if back.exists():
                    back.chmod(0o600)
                back.unlink(missing_ok=True)
                return run()
            return do

        put = emptied(lambda: Ran(COPY, "put", mine, self.file))
        boto3 = emptied(lambda: Ran(PYTHON, "-c", BOTO3, "put", *keys, self.file))
        peers = [("boto3", boto3, lambda: Ran(PYTHON, "-c", BOTO3, "get", *keys, back), 1.3)]
        if MC:
            peers.insert(0, ("mc", emptied(lambda: Ran(MC, "cp", "--quiet", self.file, remote, environment=alias)),
                             lambda: Ran(MC, "cp", "--quiet", remote, back, environment=alias), 0.9))
        else:
            self.table.cannot(f"S3: {self.size} up, against mc", 0.9, "there is no mc; PENSTOCK_MC names it")
        for name, up, down, bound in peers:
            self.against(f"S3: {self.size} up, against {name}", put, up, bound)
            up()
            digest = Ran(COPY, "put", mine, self.file).said
            self.against(f"S3: {self.size} down, against {name}", fetched(lambda d=digest: Ran(COPY, "get", mine, back, d)), fetched(down), bound)
        files = sum(1 for p in self.folder.rglob("*") if p.is_file())
        self.against(f"S3: {files} small files up, against boto3", emptied(lambda: Ran(COPY, "put", mine, self.folder)),
                     emptied(lambda: Ran(PYTHON, "-c", BOTO3, "put", *keys, self.folder)), 1.0)


def run(table, options):
    if not COPY.exists():
        return table.cannot("store", None, f"{COPY} is not built")
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        bench = Bench(table, options, pathlib.Path(folder))
        bench.volume()
        if not real_store.PROGRAM.exists():
            return table.cannot("S3", None, "MinIO is not built; python3 tests/integration/real_store.py build")
        (pathlib.Path(folder) / "minio").mkdir()
        minio = real_store.MinIO(pathlib.Path(folder) / "minio")
        try:
            bench.bucket(minio)
        finally:
            minio.kill()
