"""The shim of lib/shim.c under a proxyd: counts what its loops ask of heap and locks, lets allocations fail, kills at an exact moment.

    with Shim() as shim, Stack(env=shim.env) as s: ...; shim.allocs; shim.set(fail_every=50)
"""
import mmap
import os
import struct
import subprocess
import tempfile

HERE = os.path.dirname(__file__)
FIELDS = ("allocs", "frees", "locks", "sends", "fail_every", "fail_all", "failed", "kill_behind", "trace", "short_at", "writes", "hang")


class Shim:
    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="proxyd-shim-")
        lib, path = f"{self.dir.name}/shim.so", f"{self.dir.name}/page"
        subprocess.run(["gcc", "-O1", "-fPIC", "-shared", "-fno-builtin", f"{HERE}/shim.c", "-o", lib], check=True)
        with open(path, "wb") as f:
            f.truncate(4096)
        os.chmod(self.dir.name, 0o755)
        os.chmod(path, 0o666)  # proxyd drops to a user of its own when root starts it
        self.file = open(path, "r+b")
        self.page = mmap.mmap(self.file.fileno(), 4096)
        self.env = {"LD_PRELOAD": lib, "PROXYD_SHIM": path}
        return self

    def __exit__(self, *_):
        self.page.close()
        self.file.close()
        self.dir.cleanup()

    def set(self, **values):
        for name, v in values.items():
            struct.pack_into("<q", self.page, 8 * FIELDS.index(name), v)

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("<q", self.page, 8 * FIELDS.index(name))[0]

    def counts(self):
        return {n: getattr(self, n) for n in ("allocs", "frees", "locks", "writes", "sends")}
