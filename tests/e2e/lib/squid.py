"""Debian's Squid with a configuration of the test's own, on a loopback port.

    with Squid(rules, names={"a.test": "127.0.0.1"}, users={"alice": "secret"}, rewriter=["/usr/bin/squidGuard", ...]) as q:
        ... q.port ...
`rules` is the part of squid.conf with acl, http_access and their kin.
"""
import os
import shutil
import signal
import subprocess
import tempfile

from lib.daemons import free_port, listens, wait_until


class Squid:
    def __init__(self, rules, names=(), users=(), extra=""):
        self.folder = tempfile.mkdtemp(prefix="proxyd-squid-")
        self.port = free_port()
        self.p = None
        with open(f"{self.folder}/hosts", "w") as f:
            f.writelines(f"{address} {name}\n" for name, address in dict(names).items())
        with open(f"{self.folder}/auth", "w") as f:  # what basic_fake_auth cannot do: refuse
            f.write("#!/usr/bin/python3\nimport sys\nusers = " + repr(dict(users)) + "\n"
                    "for line in sys.stdin:\n"
                    "    name, _, password = line.strip().partition(' ')\n"
                    "    print('OK' if users.get(name) == password else 'ERR', flush=True)\n")
        os.chmod(f"{self.folder}/auth", 0o755)
        with open(f"{self.folder}/squid.conf", "w") as f:
            f.write(f"http_port 127.0.0.1:{self.port}\npid_filename {self.folder}/pid\ncache_log {self.folder}/cache.log\n"
                    f"access_log none\ncoredump_dir {self.folder}\npinger_enable off\nshutdown_lifetime 1 second\n"
                    f"hosts_file {self.folder}/hosts\ncache deny all\nvisible_hostname squid.test\ndns_nameservers 127.0.0.1\n"
                    f"auth_param basic program {self.folder}/auth\nauth_param basic children 2\nauth_param basic realm test\n"
                    f"{extra}\n{rules}\n")
        os.chmod(self.folder, 0o777)

    def __enter__(self):
        self.p = subprocess.Popen(["squid", "-N", "-f", f"{self.folder}/squid.conf"], stdout=subprocess.DEVNULL,
                                  stderr=open(f"{self.folder}/err", "wb"))
        try:
            wait_until(lambda: self.p.poll() is not None or listens(self.port), 20, "squid")
            assert self.p.poll() is None, open(f"{self.folder}/err").read()[-2000:]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(10)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait(5)
        shutil.rmtree(self.folder, ignore_errors=True)
