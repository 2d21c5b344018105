"""A real slapd on free loopback ports, in a folder of its own, with a certificate of a throw-away CA.

    with Slapd() as d:                        # a small directory, see PEOPLE and GROUPS
        s.api.put("/directory", d.settings())
        d.stop(); d.start()                   # an outage; same ports, same data
        d.binds("alice")                      # how often a bind as this person reached it

Slapd("openldap") and Slapd("ad") hold the 1,000 people of the shared data (see have()). Everybody's password is "pw-" + login. It needs no root, and ends by its pid.
"""
import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile

from lib.daemons import SHARED, Process, free_port, listens, wait_until
from lib.origin import make_certs

BASE = "dc=halden,dc=example,dc=net"
AD_BASE = "DC=corp," + BASE
DATA = os.path.join(SHARED, "data/ldif")
SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
SLAPADD = shutil.which("slapadd") or "/usr/sbin/slapadd"

# login -> extra attributes; a login spelt with a capital shows whose spelling counts
PEOPLE = {
    "alice": {}, "bob": {}, "Carol": {}, "dave": {}, "erin": {}, "frank": {}, "loop": {}, "nobody": {},
    "expired": {"objectClass": ["shadowAccount"], "shadowExpire": ["1"]},
    "later": {"objectClass": ["shadowAccount"], "shadowExpire": ["99999"]},
    "locked": {"pwdAccountLockedTime": ["000001010000Z"]},
}
# group -> (people, groups in it); leads up: staff > sales > team > (alice), a circle, odd names
GROUPS = {
    "team": (["alice"], []), "sales": (["bob"], ["team"]), "staff": (["dave", "Carol"], ["sales"]),
    "loop-a": (["loop"], ["loop-c"]), "loop-b": ([], ["loop-a"]), "loop-c": ([], ["loop-b"]),
    "R&D, Porto": (["erin"], []), "Équipe (A*)": ([], ["R&D, Porto"]),
    **{f"chain-{i}": (["frank"] if i == 0 else [], [f"chain-{i - 1}"] if i else []) for i in range(6)},
}


def groups_of(login, groups=None):
    """All groups of a person, nested ones included: what a proxy must find."""
    table = groups or GROUPS
    found, todo = set(), [g for g, (people, _) in table.items() if login in people]
    while todo:
        g = todo.pop()
        if g not in found:
            found.add(g)
            todo += [h for h, (_, inner) in table.items() if g in inner]
    return sorted(found)


def have(what):
    return os.path.exists(os.path.join(DATA, f"corp-{what}.ldif.zst"))


def effective_groups():
    """login -> all groups, of the shared directory."""
    with open(os.path.join(DATA, "effective-groups.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return {r[0]: sorted(g for g in r[1:] if g) for r in rows}


def ssha(password):
    salt = b"salt"
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def dn_value(v):
    return "".join("\\" + c if c in ',+"\\<>;=' else c for c in v)


def entry(dn, **attributes):
    lines = [("dn", dn)] + [(k, v) for k, vs in attributes.items() for v in (vs if isinstance(vs, list) else [vs])]
    return "".join(f"{k}:: {base64.b64encode(v.encode()).decode()}\n" for k, v in lines) + "\n"


def person_dn(login):
    return f"uid={login},ou=People,{BASE}"


def group_dn(name):
    return f"cn={dn_value(name)},ou=Groups,{BASE}"


def person(login, member_of=(), **more):
    classes = ["inetOrgPerson"] + more.pop("objectClass", [])
    return entry(person_dn(login), objectClass=classes, uid=login, cn=login, sn=login,
                 userPassword=ssha("pw-" + login), **({"memberOf": list(member_of)} if member_of else {}), **more)


def small():
    out = entry(BASE, objectClass=["dcObject", "organization"], dc="halden", o="Halden")
    for ou in ("People", "Groups", "Services"):
        out += entry(f"ou={ou},{BASE}", objectClass="organizationalUnit", ou=ou)
    out += entry(f"uid=proxy-bind,ou=Services,{BASE}", objectClass=["account", "simpleSecurityObject"], uid="proxy-bind",
                 userPassword=ssha("pw-proxy-bind"))
    out += entry(f"cn=rules,ou=Services,{BASE}", objectClass=["device", "pwdPolicy"], cn="rules", pwdAttribute="userPassword",
                 pwdLockout="TRUE", pwdMaxFailure="5", pwdLockoutDuration="300")
    for login, more in PEOPLE.items():
        out += person(login, [group_dn(g) for g, (people, _) in GROUPS.items() if login in people], **dict(more))
    for name, (people, inner) in GROUPS.items():
        members = [person_dn(p) for p in people] + [group_dn(g) for g in inner]
        up = [group_dn(g) for g, (_, inner2) in GROUPS.items() if name in inner2]
        out += entry(group_dn(name), objectClass="groupOfNames", cn=name, member=members, **({"memberOf": up} if up else {}))
    for name, people in (("posix", ["alice", "bob"]), ("other", ["bob"])):
        out += entry(group_dn(name), objectClass="posixGroup", cn=name, gidNumber="1000", memberUid=people)
    return out


class Slapd:
    def __init__(self, data="small", folder=None):
        self.data, self.is_ad = data, data == "ad"
        self.base = AD_BASE if self.is_ad else BASE
        self.folder = folder or tempfile.mkdtemp(prefix="proxyd-slapd-")
        self.port, self.tls_port = free_port(), free_port()
        self.plain, self.tls = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.tls_port}"
        self.log_path = os.path.join(self.folder, "slapd.log")
        self.p = None

    # --- making it -------------------------------------------------------------------------------
    def _config(self):
        schemas = ["core", "cosine", "inetorgperson", "nis"]
        schema = "".join(f"include /etc/ldap/schema/{s}.schema\n" for s in schemas)
        if self.is_ad:
            schema += f"include {DATA}/ad.schema\n"
        overlays = "" if self.is_ad else "overlay memberof\noverlay ppolicy\n" + (
            f"ppolicy_default cn=rules,ou=Services,{BASE}\n" if self.data == "small" else "")
        modules = "moduleload back_mdb\n" + ("" if self.is_ad else "moduleload memberof\nmoduleload ppolicy\n")
        index = "sAMAccountName,userPrincipalName eq\nindex member,memberOf" if self.is_ad else "uid,memberUid eq\nindex member"
        return (f"{schema}modulepath /usr/lib/ldap\n{modules}"
                f"pidfile {self.folder}/pid\nargsfile {self.folder}/args\n"
                f"TLSCertificateFile {self.cert}\nTLSCertificateKeyFile {self.key}\nTLSCACertificateFile {self.ca}\n"
                f"sizelimit 500\nthreads 8\nidletimeout 0\n"
                f"database mdb\nsuffix \"{self.base}\"\nrootdn \"cn=admin,{self.base}\"\nrootpw admin-secret\n"
                f"directory {self.folder}/db\nmaxsize 268435456\nindex objectClass eq\nindex {index} eq\n{overlays}"
                f"access to attrs=userPassword by anonymous auth by * none\naccess to * by * read\n")

    def _ldif(self):
        if self.data == "small":
            return small()
        name = "corp-ad" if self.is_ad else "corp-openldap-memberof"
        return subprocess.run(["zstd", "-dc", "--long=27", f"{DATA}/{name}.ldif.zst"], capture_output=True, check=True).stdout.decode()

    def make(self):
        self.cert, self.key, self.ca = make_certs(self.folder, "127.0.0.1", "localhost")
        os.mkdir(f"{self.folder}/db")
        with open(f"{self.folder}/slapd.conf", "w") as f:
            f.write(self._config())
        with open(f"{self.folder}/data.ldif", "w", encoding="utf-8") as f:
            f.write(self._ldif())
        r = subprocess.run([SLAPADD, "-q", "-f", f"{self.folder}/slapd.conf", "-l", f"{self.folder}/data.ldif"], capture_output=True, text=True)
        assert r.returncode == 0, f"slapadd: {r.stderr[-3000:]}"

    # --- running it ------------------------------------------------------------------------------
    def start(self):
        urls = f"{self.plain} {self.tls}"
        self.p = Process([SLAPD, "-f", f"{self.folder}/slapd.conf", "-h", urls, "-d", "stats"], self.log_path)

        def up():
            assert self.p.alive(), self.p.output()[-3000:]
            return listens(self.port) and listens(self.tls_port)
        wait_until(up, 15, "slapd")
        return self

    def stop(self):
        if self.p:
            self.p.stop()
        self.p = None

    def freeze(self):
        """It accepts connections and answers nothing, as a machine in trouble does."""
        os.kill(self.p.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.p.pid, signal.SIGCONT)

    def __enter__(self):
        try:
            self.make()
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.p and self.p.alive():
            self.thaw()
            self.stop()
        if not os.environ.get("KEEP_STATE"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what came to it -------------------------------------------------------------------------
    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def binds(self, login):
        """Binds as this person that reached the server, right or wrong."""
        return len(re.findall(rf'BIND dn="(?i:uid={re.escape(login)}),[^"]*" method', self.log()))

    def searches(self):
        return re.findall(r'SRCH base="[^"]*" scope=\d deref=\d filter="(.*)"', self.log())

    # --- what a proxy must be told ---------------------------------------------------------------
    def settings(self, **more):
        """The `directory` document for this server; groups={} is merged, not replaced."""
        bind = f"CN=svc-proxy,OU=Service Accounts,OU=Halden,{AD_BASE}" if self.is_ad else f"uid=proxy-bind,ou=Services,{BASE}"
        doc = {
            "enabled": True, "servers": [self.tls], "starttls": True, "allow_cleartext": False, "verify": True, "ca_file": self.ca,
            "bind_dn": bind, "bind_password": "pw-svc-proxy" if self.is_ad else "pw-proxy-bind",
            "mode": "search", "base": self.base,
            "user_filter": "(objectClass=user)" if self.is_ad else "(objectClass=inetOrgPerson)",
            "login_attribute": "sAMAccountName" if self.is_ad else "uid",
            "groups": {"from": "memberof", "nested": True, "filter": "(objectClass=group)" if self.is_ad else "(objectClass=groupOfNames)"},
            "timeouts_ms": {"connect": 1500, "operation": 3000},
            "cache_s": {"good": 300, "bad": 45, "stale": 600},
        }
        groups = {**doc["groups"], **more.pop("groups", {})}
        return {**doc, "groups": groups, **more}
