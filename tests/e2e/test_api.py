"""The JSON API as outsiders meet it: over TLS with a session, a token, and over admin.sock; the guard in
front of it; adminui alone, with proxyd down, for most of it."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest
import requests

from lib.daemons import BUILD, ROOT, SLOW, Api, Stack, free_port, policy, wait_until

SPEC = json.load(open(f"{ROOT}/adminui/openapi.json"))


def raw_tls(port, data, seconds=3):
    """Bytes in, bytes out until the server closes or the time is over; (answer, closed)."""
    ctx = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as plain:
        with ctx.wrap_socket(plain) as c:
            c.sendall(data)
            got, closed = b"", False
            c.settimeout(seconds)
            try:
                while True:
                    part = c.recv(65536)
                    if not part:
                        closed = True
                        break
                    got += part
            except (TimeoutError, socket.timeout):
                pass
            except (ConnectionError, ssl.SSLError):
                closed = True
            return got, closed


# --- guard -------------------------------------------------------------------------------------------

SMUGGLED = b"GET /api/v1/me HTTP/1.1\r\nHost: {H}\r\n\r\n"
PROBES = {
    "two lengths": b"POST /api/v1/session HTTP/1.1\r\nHost: {H}\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SMUGGLED,
    "same length twice": b"POST /api/v1/session HTTP/1.1\r\nHost: {H}\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "length and chunked": b"POST /api/v1/session HTTP/1.1\r\nHost: {H}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked": b"POST /api/v1/session HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "unknown coding": b"POST /api/v1/session HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "no host": b"GET /healthz HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: {H}\r\nHost: {H}\r\n\r\n" + SMUGGLED,
    "space before colon": b"GET /healthz HTTP/1.1\r\nHost : {H}\r\n\r\n",
    "HTTP/1.9": b"GET /healthz HTTP/1.9\r\nHost: {H}\r\n\r\n",
    "absolute form": b"GET http://{H}/healthz HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "foreign absolute form": b"GET http://www.example.com/ HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "connect": b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: {H}\r\n\r\n" + SMUGGLED,
    "trace": b"TRACE /healthz HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "zero byte": b"GET /healthz%00x HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "encoded slash": b"GET /api%2fv1/me HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "encoded backslash": b"GET /api%5Cv1/me HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "dot segments": b"GET /assets/../healthz HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "encoded dot segments": b"GET /assets/%2e%2e/healthz HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "empty segment": b"GET //healthz HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "control in path": b"GET /healthz%0d%0ax HTTP/1.1\r\nHost: {H}\r\n\r\n",
    "body on GET": b"GET /healthz HTTP/1.1\r\nHost: {H}\r\nContent-Length: 5\r\n\r\nabcde" + SMUGGLED,
    "two cookies": b"GET /api/v1/me HTTP/1.1\r\nHost: {H}\r\nCookie: __Host-sid=a\r\nCookie: __Host-sid=b\r\n\r\n",
}


@pytest.mark.parametrize("name", PROBES)
def test_guard(admin, name):
    """Every one is 400, the connection closes, and what stood behind is never served."""
    data = PROBES[name].replace(b"{H}", f"127.0.0.1:{admin.admin_port}".encode())
    got, closed = raw_tls(admin.admin_port, data)
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", got)
    assert statuses and set(statuses) == {b"400"}, got[:600]
    assert closed, "still open"
    assert b'"username"' not in got and b"ok\n" not in got.split(b"\r\n\r\n", 1)[-1]


def test_guard_foreign_host(admin):
    got, closed = raw_tls(admin.admin_port, b"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 421 ") and closed


def test_keep_alive(admin):
    """A good request leaves the connection open for the next."""
    one = f"GET /healthz HTTP/1.1\r\nHost: localhost:{admin.admin_port}\r\n\r\n".encode()
    got, closed = raw_tls(admin.admin_port, one + one, seconds=1)
    assert got.count(b"HTTP/1.1 200 ") == 2 and not closed


def test_headers(admin):
    r = admin.api.call("GET", "/me")
    for name, want in {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
                       "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}.items():
        assert r.headers[name] == want
    assert "unsafe" not in r.headers["Content-Security-Policy"] and "default-src 'none'" in r.headers["Content-Security-Policy"]
    assert r.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Server" not in r.headers


# --- the description ---------------------------------------------------------------------------------

def fill(path):
    return re.sub(r"{(\w+)}", lambda m: {"version": "1", "id": "1", "target": "x"}.get(m.group(1), "none"), path)


def c_routes():
    """Rows of the table in adminui/routes.c."""
    text = open(f"{ROOT}/adminui/routes.c").read()
    rows = re.findall(r'{"([A-Z]+)",\s*"([^"]+)",\s*PERMISSION_(\w+),\s*ROUTE_\w+,\s*(true|false),\s*(true|false),', text)
    return {(m, p): perm.lower() for m, p, perm, _, root in rows if root == "false"}


def test_openapi_and_routes_agree(admin):
    spec = {(m.upper(), p): op["x-permission"] for p, ops in SPEC["paths"].items() for m, op in ops.items()}
    assert spec == c_routes()
    served = requests.get(f"{admin.api.base}/openapi.json", verify=False, timeout=10)
    assert served.json() == SPEC


def test_every_call_is_there(admin):
    """Each path and method of the description reaches its handler: never 404 for the address, never 405; and every
    status it gives is described. Refused without a login unless it is public."""
    anonymous = Api(admin.admin_port)
    for path, ops in SPEC["paths"].items():
        for method, op in ops.items():
            where = f"{method.upper()} {path}"
            r = anonymous.call(method.upper(), fill(path), ok=False, stream=True)
            if op["x-permission"] == "public":
                assert r.status_code != 401 or path == "/session", where
            else:
                assert r.status_code == 401, f"{where}: {r.status_code}"
            if path == "/session" and method == "delete" or path in ("/log/stream", "/log/export"):
                continue
            body = None
            r = admin.api.call(method.upper(), fill(path), body, ok=False)
            assert r.status_code != 405, where
            if r.status_code == 404:
                assert "No such" in r.json()["detail"] or "no such" in r.json()["detail"], f"{where}: {r.text}"
            assert str(r.status_code) in op["responses"] or r.status_code == 400, f"{where}: {r.status_code} is not described"


def test_unknown_addresses(admin):
    r = admin.api.call("GET", "/nothing", ok=False)
    assert r.status_code == 404 and r.headers["Content-Type"] == "application/problem+json"
    r = admin.api.call("PATCH", "/users", ok=False)
    assert r.status_code == 405 and r.headers["Allow"] == "GET, HEAD, POST"


def resolve(schema):
    while "$ref" in schema:
        schema = SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def check(value, schema, where):
    """A small JSON Schema checker: types, enums, required and additional members."""
    schema = resolve(schema)
    if "anyOf" in schema:
        for s in schema["anyOf"]:
            try:
                return check(value, s, where)
            except AssertionError:
                continue
        raise AssertionError(f"{where}: {value!r} fits none")
    types = schema.get("type")
    if types:
        types = types if isinstance(types, list) else [types]
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
        fits = any((t in kinds and isinstance(value, kinds[t])) or
                   (t in ("integer", "number") and isinstance(value, (int, float)) and not isinstance(value, bool)) for t in types)
        assert fits, f"{where}: {value!r} is no {types}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", []):
            assert name in value, f"{where}: {name} is missing"
        for name, v in value.items():
            if name in schema["properties"]:
                check(v, schema["properties"][name], f"{where}/{name}")
            else:
                assert schema.get("additionalProperties", True), f"{where}: {name} is not described"
    if isinstance(value, list) and "items" in schema:
        for i, v in enumerate(value):
            check(v, schema["items"], f"{where}/{i}")


def test_answers_fit_their_schemas(admin):
    admin.add_user("schema", "a secret of it", ["staff"])
    admin.api.put("/categories/shape", {"title": "Shape"})
    admin.api.job(admin.api.call("POST", "/categories/shape:import", raw=b"shape.example\nbad..name\n"))
    ahead = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    waits = admin.api.post("/policy/draft:publish", {"comment": "tomorrow", "at": ahead, "canary": {"users": ["schema"]}}, headers={"If-Match": "*"})
    list_id = admin.api.post("/subscriptions", {"name": "shape", "url": "http://127.0.0.1:1/list", "enabled": False})["id"]
    for path, ops in SPEC["paths"].items():
        op = ops.get("get")
        content = op and op["responses"].get("200", {}).get("content", {}).get("application/json")
        if not content:
            continue
        names = {"/users/{username}": "/users/schema", "/accounts/{username}": "/accounts/admin", "/settings/{name}": "/settings/proxy",
                 "/categories/{name}": "/categories/shape", "/categories/{name}/entries": "/categories/shape/entries",
                 "/categories/{name}/sources": "/categories/shape/sources", "/policy/versions/{version}": "/policy/versions/1",
                 "/jobs/{id}": "/jobs/1", "/lookup": "/lookup?host=www.shape.example",
                 "/policy/pending/{id}": f"/policy/pending/{waits['pending']}"}
        names |= {f"/subscriptions/{{id}}{more}": f"/subscriptions/{list_id}{more}" for more in ("", "/history")}
        if path in ("/log/{id}", "/log/{id}/explain", "/quotas", "/grants", "/limits/clients", "/upstreams", "/listeners", "/policy/patterns", "/pac/deploy/{target}"):
            continue
        check(admin.api.get(names.get(path, path)), content["schema"], path)
    r = admin.api.post("/simulate", {"url": "http://blocked.example/"})
    check(r, {"$ref": "#/components/schemas/Simulated"}, "/simulate")
    check(admin.api.post("/policy/draft:validate"), {"$ref": "#/components/schemas/Report"}, "validate")
    check(admin.api.post("/pac:test", {"url": "http://a.example/"}), {"$ref": "#/components/schemas/PacTestResult"}, "pac")
    for name, s in SPEC["components"]["schemas"].items():
        resolve(s)


# --- who may -----------------------------------------------------------------------------------------

def test_login_and_logout(admin):
    api = Api(admin.admin_port)
    me = api.login("admin", admin.admin_password)
    cookie = next(c for c in api.http.cookies if c.name == "__Host-sid")
    assert cookie.secure and cookie.path == "/" and me["role"] == "admin" and not me["must_change_password"]
    assert api.get("/me")["via"] == "session"
    api.call("DELETE", "/session")
    assert api.call("GET", "/me", ok=False).status_code == 401


def test_secrets_are_stored_as_hashes(admin):
    """Neither passwords nor cookies nor tokens can be read out of the database."""
    token = admin.api.post("/tokens", {"name": "t", "scopes": ["viewer"]})["token"]
    cookie = next(c.value for c in admin.api.http.cookies if c.name == "__Host-sid")
    for name in os.listdir(admin.state):
        path = f"{admin.state}/{name}"
        if os.path.isfile(path):
            data = open(path, "rb").read()
            for secret in (admin.admin_password, cookie, token, token.split("_")[2], "a secret of it"):
                if name != "adminui.log" or secret != admin.admin_password:
                    assert secret.encode() not in data, name


def test_csrf(admin):
    api = Api(admin.admin_port)
    api.login("admin", admin.admin_password)
    good, origin = api.csrf, api.base.split("/api")[0]
    body = {"username": "csrf", "password": "secret of csrf"}

    def post(**headers):
        return api.http.post(f"{api.base}/users", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}, timeout=10)

    assert post().status_code == 403
    assert post(X_CSRF_Token="0" * 64, Origin=origin).status_code == 403
    assert post(X_CSRF_Token=good, Origin="https://evil.example").status_code == 403
    assert post(X_CSRF_Token=good, Origin="null").status_code == 403
    assert post(X_CSRF_Token=good, Sec_Fetch_Site="cross-site").status_code == 403
    assert post(X_CSRF_Token=good, Origin=origin).status_code == 201
    r = api.http.post(f"{api.base}/session", json={"username": "admin", "password": admin.admin_password},
                      headers={"Origin": "https://evil.example"}, timeout=10)
    assert r.status_code == 403 and r.json()["type"].endswith(":csrf")


def test_bearer_tokens(admin):
    made = admin.api.post("/tokens", {"name": "reader", "scopes": ["viewer"]})
    h = {"Authorization": f"Bearer {made['token']}"}
    base = admin.api.base
    assert requests.get(f"{base}/me", headers=h, verify=False, timeout=10).json()["via"] == "token"
    r = requests.post(f"{base}/users", json={}, headers=h, verify=False, timeout=10)
    assert r.status_code == 403  # a viewer
    assert requests.get(f"{base}/log", headers=h, verify=False, timeout=10).status_code == 403
    wrong = made["token"][:-1] + ("0" if made["token"][-1] != "0" else "1")
    assert requests.get(f"{base}/me", headers={"Authorization": f"Bearer {wrong}"}, verify=False, timeout=10).status_code == 401
    both = admin.api.call("GET", "/me", headers=h, ok=False)
    assert both.status_code == 400
    listed = next(t for t in admin.api.get("/tokens")["items"] if t["id"] == made["id"])
    assert listed["last_used_at"] and listed["last_used_from"] == "127.0.0.1" and "token" not in listed
    admin.api.call("DELETE", f"/tokens/{made['id']}")
    assert requests.get(f"{base}/me", headers=h, verify=False, timeout=10).status_code == 401
    for bad in ({"expires_at": "2000-01-01T00:00:00Z"}, {"scopes": ["root"]}, {"scopes": ["viewer", "admin"]}):
        assert admin.api.call("POST", "/tokens", {"name": "x", "scopes": ["viewer"], **bad}, ok=False).status_code == 422


def test_roles(admin):
    """What each role may do is the table of caller.c, asked over the wire."""
    may = {"viewer": {"read"}, "auditor": {"read", "log", "audit"}, "editor": {"read", "log", "edit", "publish"}}
    calls = {"read": ("GET", "/policy/draft"), "log": ("GET", "/log"), "audit": ("GET", "/audit"), "edit": ("POST", "/users"),
             "publish": ("POST", "/policy/draft:publish"), "admin": ("GET", "/accounts")}
    for role, allowed in may.items():
        admin.api.post("/accounts", {"username": f"the-{role}", "password": "twelve letters", "role": role})
        api = Api(admin.admin_port)
        assert set(api.login(f"the-{role}", "twelve letters")["permissions"]) == allowed
        for permission, (method, path) in calls.items():
            status = api.call(method, path, {} if method == "POST" else None, ok=False).status_code
            assert (status != 403) == (permission in allowed), f"{role} {permission}: {status}"


def test_accounts_keep_one_admin(admin):
    tag = admin.api.call("GET", "/accounts/admin").headers["ETag"]
    r = admin.api.call("DELETE", "/accounts/admin", headers={"If-Match": tag}, ok=False)
    assert r.status_code == 409
    r = admin.api.call("PUT", "/accounts/admin", {"role": "viewer"}, headers={"If-Match": tag}, ok=False)
    assert r.status_code == 409
    assert admin.api.get("/me")["role"] == "admin"


def test_disabled_account_is_out_at_once(admin):
    admin.api.post("/accounts", {"username": "shortlived", "password": "twelve letters", "role": "viewer"})
    api = Api(admin.admin_port)
    api.login("shortlived", "twelve letters")
    admin.api.put("/accounts/shortlived", {"enabled": False})
    assert api.call("GET", "/me", ok=False).status_code == 401
    r = api.http.post(f"{api.base}/session", json={"username": "shortlived", "password": "twelve letters"}, timeout=10)
    assert r.status_code == 401 and r.json()["type"].endswith(":wrong-login")


def test_unix_socket(admin):
    """The owner of the state directory is admin without a password; no Host list, no CSRF there."""
    sock = f"{admin.state}/admin.sock"
    assert os.stat(sock).st_mode & 0o777 == 0o600
    r = subprocess.run(["curl", "-s", "--unix-socket", sock, "http://localhost/api/v1/me"], capture_output=True, text=True)
    me = json.loads(r.stdout)
    assert me["via"] == "socket" and me["role"] == "admin" and me["username"] == f"uid:{os.getuid()}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_unix_socket_refuses_others(admin):
    sock = f"{admin.state}/admin.sock"
    os.chmod(sock, 0o666)
    os.chmod(admin.state, 0o711)
    try:
        r = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "curl", "-s", "--unix-socket", sock,
                            "http://localhost/api/v1/me"], capture_output=True, text=True)
        assert json.loads(r.stdout)["status"] == 403
    finally:
        os.chmod(sock, 0o600)
        os.chmod(admin.state, 0o700)


def test_login_limit():
    """Five free tries, then growing waits; a right password during the wait is refused too."""
    with Stack(start=False) as s:
        s.start_adminui()
        password = s.first_password()
        url = f"{s.api.base}/session"
        answers = [requests.post(url, json={"username": "admin", "password": "wrong"}, verify=False, timeout=20) for _ in range(7)]
        assert [r.status_code for r in answers[:5]] == [401] * 5
        assert answers[5].status_code == 429 and int(answers[5].headers["Retry-After"]) >= 1
        r = requests.post(url, json={"username": "ADMIN", "password": password}, verify=False, timeout=20)
        assert r.status_code == 429 and r.json()["retry_after_ms"] > 0

        def again():
            return requests.post(url, json={"username": "admin", "password": password}, verify=False, timeout=20).status_code == 200
        wait_until(again, 10, "a login after the wait")


def test_no_user_enumeration(admin):
    url = f"{admin.api.base}/session"
    texts = set()
    for name in ("nobody-known", "the-viewer"):
        r = requests.post(url, json={"username": name, "password": "wrong"}, verify=False, timeout=20)
        body = r.json()
        body.pop("instance")
        texts.add((r.status_code, json.dumps(body)))
    assert len(texts) == 1


def test_own_password(admin):
    admin.api.post("/accounts", {"username": "changer", "password": "twelve letters", "role": "viewer"})
    one, two = Api(admin.admin_port), Api(admin.admin_port)
    one.login("changer", "twelve letters")
    two.login("changer", "twelve letters")
    r = one.call("PUT", "/me/password", {"current_password": "wrong", "new_password": "another twelve"}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/current_password"
    one.call("PUT", "/me/password", {"current_password": "twelve letters", "new_password": "another twelve"})
    assert one.get("/me")["username"] == "changer"
    assert two.call("GET", "/me", ok=False).status_code == 401  # other sessions end
    Api(admin.admin_port).login("changer", "another twelve")


# --- JSON strictness ---------------------------------------------------------------------------------

@pytest.mark.parametrize("text,status", [
    ('{"username":"a","username":"b","password":"x"}', 400), ("{", 400), ("[]", 400), ('"x"', 400), ('{"a":"\\u0000"}', 400),
    ("[" * 40 + "]" * 40, 400), ('{"username":"a","password":"b","extra":1}', 400), ('{"username":1,"password":"b"}', 400),
    ('{"password":"b"}', 422), ('{"username":"","password":"b"}', 422), ('{"username":"a\\u0001","password":"b"}', 422),
    ('{"username":"a:b","password":"b"}', 422), ("{} x", 400), ("\xff", 400)])
def test_json_strictness(admin, text, status):
    r = admin.api.call("POST", "/users", raw=text.encode("latin-1"), headers={"Content-Type": "application/json"}, ok=False)
    assert r.status_code == status, r.text
    assert r.headers["Content-Type"] == "application/problem+json" and r.json()["type"].startswith("urn:proxyd:problem:")


def test_body_bounds(admin):
    r = admin.api.call("POST", "/users", raw=b"{}", headers={"Content-Type": "text/plain"}, ok=False)
    assert r.status_code == 415
    r = admin.api.call("POST", "/users", raw=b" " * 1048577, headers={"Content-Type": "application/json"}, ok=False)
    assert r.status_code == 413 and r.json()["type"].endswith(":too-large")  # told after the body was dropped
    anonymous = Api(admin.admin_port)
    assert anonymous.call("POST", "/categories/x:import", raw=b"x" * 3_000_000, ok=False).status_code == 401
    head = f"POST /api/v1/users HTTP/1.1\r\nHost: 127.0.0.1:{admin.admin_port}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    got, closed = raw_tls(admin.admin_port, head.encode())
    assert got.startswith(b"HTTP/1.1 401 ") and closed
    r = admin.api.call("POST", "/users", raw=b'{"username":"' + b"x" * 1048000 + b'"}', headers={"Content-Type": "application/json"}, ok=False)
    assert r.status_code == 422  # read whole, then judged
    r = admin.api.call("GET", "/users?limit=0", ok=False)
    assert r.status_code == 422
    r = admin.api.call("GET", "/users?limit=%ff", ok=False)
    assert r.status_code == 400


# --- resources ---------------------------------------------------------------------------------------

def test_etag_rules(admin):
    admin.add_user("tagged", "some secret")
    r = admin.api.call("GET", "/users/tagged")
    tag = r.headers["ETag"]
    assert admin.api.call("GET", "/users/tagged", headers={"If-None-Match": tag}, ok=False).status_code == 304
    assert admin.api.call("PUT", "/users/tagged", {"comment": "x"}, ok=False).status_code == 428
    r = admin.api.call("PUT", "/users/tagged", {"comment": "x"}, headers={"If-Match": tag})
    assert r.headers["ETag"] != tag
    r2 = admin.api.call("PUT", "/users/tagged", {"comment": "y"}, headers={"If-Match": tag}, ok=False)
    assert r2.status_code == 412 and r2.json()["etag"] == r.headers["ETag"] == r2.headers["ETag"]
    assert admin.api.get("/users/tagged")["comment"] == "x"


def test_users(admin):
    r = admin.api.call("POST", "/users", {"username": "mäx@corp", "password": "p", "groups": ["a", "b"], "comment": "c"})
    assert r.status_code == 201
    assert admin.api.call("POST", "/users", {"username": "MÄX@corp".replace("Ä", "ä"), "password": "p"}, ok=False).status_code == 409
    where = r.headers["Location"].replace("/api/v1", "")
    assert admin.api.get(where)["groups"] == ["a", "b"]
    admin.api.put(where, {"groups": [], "enabled": False, "password": None})
    u = admin.api.get(where)
    assert u["groups"] == [] and not u["enabled"] and u["comment"] == "c" and "password" not in u
    for i in range(5):
        admin.add_user(f"page{i}", "x")
    page = admin.api.get("/users?limit=2&q=page")
    names = [u["username"] for u in page["items"]]
    while page["next_cursor"]:
        page = admin.api.get(f"/users?limit=2&q=page&cursor={page['next_cursor']}")
        names += [u["username"] for u in page["items"]]
    assert names == [f"page{i}" for i in range(5)]
    admin.api.delete(where)
    assert admin.api.call("GET", where, ok=False).status_code == 404


def test_draft_and_publish_while_proxyd_is_down(admin):
    doc = policy({"action": "block", "when": {"hosts": ["one.example"]}}, {"action": "allow", "when": {"hosts": ["two.example"]}})
    saved = admin.api.put("/policy/draft", doc)
    assert saved["changed"] and saved["report"]["ok"], saved
    tag = saved["etag"]
    r = admin.api.call("POST", "/policy/draft/rules:move", {"id": "r2", "before": "r1"}, headers={"If-Match": tag})
    assert [x["id"] for x in admin.api.get("/policy/draft")["rules"]] == ["r2", "r1"]
    diff = admin.api.get("/policy/diff?from=live&to=draft")
    assert not diff["same"] and {c["op"] for c in diff["changes"]} >= {"added", "removed"}
    assert admin.api.call("POST", "/policy/draft:publish", {"comment": "x"}, headers={"If-Match": tag}, ok=False).status_code == 412
    before = admin.api.get("/policy/live")["version"]
    r = admin.api.call("POST", "/policy/draft:publish", {"comment": "two first"}, headers={"If-Match": r.headers["ETag"]}).json()
    assert r["version"] == before + 1 and not r["applied"] and "not running" in r["message"]
    live = admin.api.get("/policy/live")
    assert live["comment"] == "two first" and live["published_by"] == "admin" and live["is_live"] and live["n_rules"] == 2
    assert admin.api.get("/policy/diff?from=live&to=draft")["same"]
    assert not admin.api.get("/status")["policy"]["draft_changed"]
    r = admin.api.post(f"/policy/versions/{before}:rollback", {})
    assert r["version"] == before + 2
    assert admin.api.get("/policy/live")["rolled_back_from"] == before
    assert admin.api.get("/policy/live")["document"] == admin.api.get(f"/policy/versions/{before}")["document"] == admin.api.get("/policy/draft")
    items = admin.api.get("/policy/versions?limit=2")
    assert [v["version"] for v in items["items"]] == [before + 2, before + 1]
    if items["next_cursor"]:
        assert admin.api.get(f"/policy/versions?cursor={items['next_cursor']}")["items"][0]["version"] == before


def test_large_documents(admin):
    """A policy with 60,000 list entries is a policy like any other."""
    big = policy({"action": "block", "when": {"lists": ["big"]}},
                 lists=[{"name": "big", "kind": "domains", "entries": [f"n{i}.large.example" for i in range(60000)]}])
    assert admin.api.put("/policy/draft", big)["report"]["ok"]
    assert admin.api.post("/simulate", {"url": "http://x.n59999.large.example/", "policy": "draft"})["action"] == "block"
    tag = admin.api.call("GET", "/policy/draft").headers["ETag"]
    admin.api.call("POST", "/policy/draft:discard", headers={"If-Match": tag})


def test_memory_of_large_documents_is_given_back(admin):
    def own_mib():
        return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{admin.adminui.pid}/status").read()).group(1)) >> 10

    if os.environ.get("MODE", "release") != "release":
        pytest.skip("a sanitizer keeps memory on purpose")
    before = own_mib()
    for k in range(6):
        admin.api.put("/policy/draft", policy(*({"id": f"r{i}", "name": f"Rule {i}", "when": {"hosts": [f"h{i}.example"], "groups": [f"g{i % 50}"]}}
                                               for i in range(10000)), comment=str(k)))
        admin.api.post("/simulate", {"url": "http://h5000.example/", "policy": "draft"})
    tag = admin.api.call("GET", "/policy/draft").headers["ETag"]
    admin.api.call("POST", "/policy/draft:discard", headers={"If-Match": tag})
    wait_until(lambda: own_mib() < before + 200, 10, f"memory given back, it was {before} MiB and is {own_mib()}")


def test_moves(admin):
    admin.api.put("/policy/draft", policy(*[{"action": "allow", "when": {"hosts": [f"h{i}.example"]}} for i in range(4)]))

    def move(status=200, **body):
        tag = admin.api.call("GET", "/policy/draft").headers["ETag"]
        r = admin.api.call("POST", "/policy/draft/rules:move", body, headers={"If-Match": tag}, ok=False)
        assert r.status_code == status, r.text
        return "".join(x["id"][1] for x in admin.api.get("/policy/draft")["rules"])
    assert move(id="r1", position=3) == "2341"
    assert move(id="r4", after="r2") == "2431"
    assert move(id="r1", before="r2") == "1243"
    assert move(id="r1", position=99) == "2431"
    assert move(status=422, id="r9", position=0) == "2431"
    assert move(status=422, id="r1", before="r1") == "2431"
    assert move(status=422, id="r1") == "2431"
    assert move(status=422, id="r1", position=0, after="r2") == "2431"
    tag = admin.api.call("GET", "/policy/draft").headers["ETag"]
    r = admin.api.call("POST", "/policy/draft:discard", headers={"If-Match": tag}).json()
    assert not r["changed"]


def test_faults_are_named_and_nothing_is_published(admin):
    bad = policy({"action": "nonsense"}, {"id": "r1", "when": {"categories": 5, "nokey": []}}, {"when": {"networks": ["10.0.0.1/8"]}})
    bad["surplus"] = 1
    saved = admin.api.put("/policy/draft", bad)
    pointers = {e["pointer"] for e in saved["report"]["errors"]}
    assert len(pointers) >= 3 and any(p.startswith("/rules/0") for p in pointers), pointers
    before = admin.api.get("/policy/live")["version"]
    r = admin.api.call("POST", "/policy/draft:publish", {}, headers={"If-Match": saved["etag"]}, ok=False)
    assert r.status_code == 422 and {e["pointer"] for e in r.json()["errors"]} == pointers
    assert admin.api.get("/policy/live")["version"] == before
    tested = policy({"action": "block", "when": {"hosts": ["a.example"]}}, tests=[{"name": "open", "url": "http://a.example/", "expect": "allow"}])
    saved = admin.api.put("/policy/draft", tested)
    assert not saved["report"]["ok"] and saved["report"]["tests"][0]["passed"] is False
    r = admin.api.call("POST", "/policy/draft:publish", {}, headers={"If-Match": saved["etag"]}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/tests/0"


def test_simulate(admin):
    admin.api.put("/policy/draft", policy({"id": "work", "name": "Work", "action": "block", "message": "no",
                                           "when": {"groups": ["staff"], "hosts": ["a.example"]}}))
    r = admin.api.post("/simulate", {"url": "http://www.a.example/x", "user": "bob", "groups": ["staff"], "policy": "draft"})
    assert (r["action"], r["rule"], r["rule_name"], r["version"], r["message"]) == ("block", "work", "Work", None, "no")
    assert [t["id"] for t in r["trace"] if t["decided"]] == ["work"]
    assert admin.api.post("/simulate", {"url": "http://www.a.example/x", "user": "bob", "policy": "draft"})["action"] == "allow"
    assert admin.api.post("/simulate", {"url": "http://blocked.example/"})["version"] == admin.api.get("/policy/live")["version"]
    assert admin.api.post("/simulate", {"url": "http://blocked.example/", "policy": 1})["rule"] == "blocked-sites"
    for bad in ({"url": "nonsense"}, {"url": "http://a/", "client": "x"}, {"url": "http://a/", "time": "yesterday"}):
        r = admin.api.call("POST", "/simulate", bad, ok=False)
        assert r.status_code == 422 and r.json()["errors"], r.text
    assert admin.api.call("POST", "/simulate", {"url": "http://a/", "policy": 999}, ok=False).status_code == 404


def test_settings(admin):
    doc = admin.api.get("/settings/proxy")
    doc["node"] = "node-7"
    admin.api.put("/settings/proxy", doc)
    assert admin.api.get("/settings")["proxy"]["node"] == "node-7"
    doc["surplus"] = True
    tag = admin.api.call("GET", "/settings/proxy").headers["ETag"]
    r = admin.api.call("PUT", "/settings/proxy", doc, headers={"If-Match": tag}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/surplus"
    everything = admin.api.get("/settings")
    everything["proxy"]["node"] = "node-8"
    everything["pac"]["profiles"][0]["fallback"] = "nonsense"
    tag = admin.api.call("GET", "/settings").headers["ETag"]
    r = admin.api.call("PUT", "/settings", everything, headers={"If-Match": tag}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["pointer"].startswith("/pac/profiles/0")
    assert admin.api.get("/settings/proxy")["node"] == "node-7"  # all or nothing
    assert admin.api.call("GET", "/settings/nonsense", ok=False).status_code == 404


def test_directory_secret_is_never_shown(admin):
    doc = admin.api.get("/directory")
    doc.update(servers=["ldap://127.0.0.1:1"], base="dc=x", bind_dn="cn=reader,dc=x", bind_password="kq7-secret-word")
    assert admin.api.put("/directory", doc)["bind_password"] is None
    again = admin.api.get("/directory")
    assert again["bind_password"] is None
    again["base"] = "dc=y"
    admin.api.put("/directory", again)  # null keeps it
    assert b"kq7-secret-word" in b"".join(open(f"{admin.state}/{n}", "rb").read() for n in ("policy.db", "policy.db-wal")
                                          if os.path.exists(f"{admin.state}/{n}"))
    for path in ("/settings", "/settings/directory", "/audit?limit=1000"):
        assert "kq7-secret-word" not in admin.api.call("GET", path).text
    assert "kq7-secret-word" not in open(f"{admin.state}/adminui.log").read()
    r = admin.api.call("POST", "/directory:test", {"username": "x"}, ok=False)
    assert r.status_code == 503 and r.json()["type"].endswith(":proxy-down")
    r = admin.api.call("POST", "/directory:forget", {"username": "x"}, ok=False)
    assert r.status_code == 503 and "not running" in r.json()["detail"]


def test_pac(admin):
    r = admin.api.call("GET", "/pac/file?client=10.1.2.3")
    assert r.headers["Content-Type"] == "application/x-ns-proxy-autoconfig" and "FindProxyForURL" in r.text and r.headers["ETag"]
    assert admin.api.call("GET", "/pac/file?client=nonsense", ok=False).status_code == 422
    t = admin.api.post("/pac:test", {"url": "http://www.example.com/"})
    assert t["result"].startswith("PROXY ") and t["reason"] == "default"
    targets = admin.api.get("/pac/deploy")["items"]
    assert len(targets) >= 5
    for t in targets:
        text = admin.api.call("GET", f"/pac/deploy/{t['target']}?pac_url=https://pac.corp.example/proxy.pac&wpad_domain=corp.example&wpad_address=10.0.0.1").text
        assert text.strip(), t
    assert admin.api.call("GET", "/pac/deploy/none", ok=False).status_code == 404
    assert admin.api.call("GET", f"/pac/deploy/{targets[0]['target']}?pac_url=javascript:1", ok=False).status_code == 422


def test_audit(admin):
    """Each change leaves a row, refused ones too; the chain holds."""
    admin.add_user("audited", "hidden words")
    admin.api.call("POST", "/users", {"username": "audited", "password": "x"}, ok=False)
    rows = admin.api.get("/audit?limit=2")["items"]
    assert [r["result"] for r in rows] == ["conflict", "ok"] and all(r["action"] == "POST /users" for r in rows)
    assert rows[1]["object"] == "audited" and rows[1]["actor"] == "admin" and rows[1]["from"] == "127.0.0.1"
    assert "hidden words" not in json.dumps(admin.api.get("/audit?limit=1000"))
    requests.post(f"{admin.api.base}/session", json={"username": "intruder", "password": "x"}, verify=False, timeout=20)
    row = admin.api.get("/audit?limit=1")["items"][0]
    assert row["actor"] == "intruder" and row["result"] == "wrong-login"
    assert admin.api.get("/audit:verify") == {"ok": True, "rows": admin.api.get("/audit:verify")["rows"], "first_bad": None}
    page = admin.api.get("/audit?limit=3")
    assert len(page["items"]) == 3 and page["next_cursor"]
    older = admin.api.get(f"/audit?limit=3&cursor={page['next_cursor']}")
    assert older["items"][0]["id"] < page["items"][-1]["id"]


def test_status_and_probes_without_proxyd(admin):
    s = admin.api.get("/status")
    assert not s["proxyd"]["running"] and "not running" in s["proxyd"]["message"] and s["policy"]["running_version"] is None
    assert any(w["code"] == "proxy-down" for w in s["warnings"])
    root = admin.api.base.split("/api")[0]
    assert requests.get(f"{root}/healthz", verify=False, timeout=10).text == "ok\n"
    assert requests.get(f"{root}/readyz", verify=False, timeout=10).status_code == 200
    assert requests.get(f"{root}/metrics", verify=False, timeout=10).status_code == 401
    text = admin.api.http.get(f"{root}/metrics", timeout=10).text
    assert "proxyd_up 0" in text and "adminui_uptime_ms" in text


def test_pages(admin):
    """The dashboard's files, or a page that says how to build them."""
    root = admin.api.base.split("/api")[0]
    r = requests.get(f"{root}/", verify=False, timeout=10)
    assert r.status_code == 200 and "text/html" in r.headers["Content-Type"] and "default-src 'none'" in r.headers["Content-Security-Policy"]
    r = requests.get(f"{root}/policy/changes", verify=False, timeout=10)
    assert r.status_code == 200 and "text/html" in r.headers["Content-Type"]
    assert requests.post(f"{root}/", verify=False, timeout=10).status_code == 405


def test_static_files(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>hello")
    (tmp_path / "assets" / "a-123.js").write_text("let a = 1;")
    (tmp_path / "assets" / "a-123.js.gz").write_bytes(b"\x1f\x8bnot really")
    (tmp_path / "secret").symlink_to("/etc/hostname")
    with Stack(start=False) as s:
        from lib.daemons import Process
        s.adminui = Process([f"{BUILD}/adminui", "--config", s.config, "--web", str(tmp_path)], f"{s.state}/adminui.log")
        s.wait_for(s.adminui, s.admin_port)
        root = s.api.base.split("/api")[0]

        def get(path, **headers):
            return requests.get(root + path, verify=False, timeout=10, headers={"Accept-Encoding": "identity", **headers})
        r = get("/")
        assert r.text.endswith("hello") and r.headers["Cache-Control"] == "no-cache" and r.headers["ETag"]
        assert get("/", **{"If-None-Match": r.headers["ETag"]}).status_code == 304
        r = get("/assets/a-123.js")
        assert r.text == "let a = 1;" and "immutable" in r.headers["Cache-Control"] and "javascript" in r.headers["Content-Type"]
        raw, _ = raw_tls(s.admin_port, f"GET /assets/a-123.js HTTP/1.1\r\nHost: localhost:{s.admin_port}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode())
        assert b"Content-Encoding: gzip" in raw and b"\x1f\x8bnot really" in raw
        assert get("/log?x=1").text.endswith("hello")  # a page of the application
        assert get("/assets/none.js").status_code == 404
        assert get("/none.png").status_code == 404
        assert "hello" in get("/secret").text  # a link out of the folder is not followed
        assert get("/api/v2/x").status_code == 404


# --- the end and the beginning -----------------------------------------------------------------------

def test_check_and_bad_configuration(tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text("[state]\ndir = x\n[proxy]\nlisten = nonsense\nworkers = many\n[admin]\nport = 1\nlisten = 0.0.0.0:8443\ntls = off\n[what]\n")
    r = subprocess.run([f"{BUILD}/adminui", "--config", str(conf), "--check"], capture_output=True, text=True)
    assert r.returncode == 1
    lines = sorted(int(n) for n in re.findall(r"line=(\d+)", r.stderr))
    assert lines == [4, 5, 7, 8, 10], r.stderr
    assert subprocess.run([f"{BUILD}/adminui", "--config", "/nonexistent", "--check"], capture_output=True).returncode == 1
    assert subprocess.run([f"{BUILD}/adminui"], capture_output=True).returncode == 1
    assert subprocess.run([f"{BUILD}/adminui", "--version"], capture_output=True).returncode == 0


def test_plain_http_on_loopback():
    """tls = off: the cookie has no __Host- prefix and no Secure, the origin is http, nothing speaks of HSTS."""
    with Stack(start=False, admin={"tls": "off"}) as s:
        s.start_adminui()
        base = f"http://127.0.0.1:{s.admin_port}"
        with requests.Session() as http:
            http.trust_env = False
            r = http.post(f"{base}/api/v1/session", json={"username": "admin", "password": s.first_password()}, timeout=20)
            assert r.status_code == 200 and "Strict-Transport-Security" not in r.headers
            assert r.headers["Set-Cookie"].startswith("sid=") and "Secure" not in r.headers["Set-Cookie"] and "HttpOnly" in r.headers["Set-Cookie"]
            assert http.get(f"{base}/api/v1/me", timeout=10).json()["username"] == "admin"
            h = {"X-CSRF-Token": r.json()["csrf_token"]}
            assert http.delete(f"{base}/api/v1/session", headers={**h, "Origin": base.replace("http", "https")}, timeout=10).status_code == 403
            assert http.delete(f"{base}/api/v1/session", headers={**h, "Origin": base}, timeout=10).status_code == 204


def test_own_certificate(tmp_path):
    """certificate and key of the bootstrap file; a pair that does not belong together is refused by name."""
    for name in ("a", "b"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", f"{tmp_path}/{name}.key", "-out", f"{tmp_path}/{name}.pem"], check=True, capture_output=True)
    with Stack(start=False, admin={"certificate": f"{tmp_path}/a.pem", "key": f"{tmp_path}/a.key", "name": "admin.corp.example"}) as s:
        s.start_adminui()
        pem = ssl.get_server_certificate(("127.0.0.1", s.admin_port))
        assert pem.strip() == open(f"{tmp_path}/a.pem").read().strip()
        got, _ = raw_tls(s.admin_port, f"GET /healthz HTTP/1.1\r\nHost: admin.corp.example:{s.admin_port}\r\nConnection: close\r\n\r\n".encode())
        assert got.startswith(b"HTTP/1.1 200 ")
    with Stack(start=False, admin={"certificate": f"{tmp_path}/a.pem", "key": f"{tmp_path}/b.key"}) as s:
        r = subprocess.run([f"{BUILD}/adminui", "--config", s.config], capture_output=True, text=True, timeout=60)
        assert r.returncode == 2 and "do not belong together" in r.stderr


def test_port_in_use():
    with Stack(start=False) as s, socket.socket() as taken:
        taken.bind(("127.0.0.1", s.admin_port))
        taken.listen()
        r = subprocess.run([f"{BUILD}/adminui", "--config", s.config], capture_output=True, text=True, timeout=60)
        assert r.returncode == 2 and f"127.0.0.1:{s.admin_port}" in r.stderr and "in use" in r.stderr


def test_second_adminui_is_refused(admin):
    conf = f"{admin.state}/second.conf"
    text = open(admin.config).read().replace(f":{admin.admin_port}", f":{free_port()}")
    open(conf, "w").write(text)
    r = subprocess.run([f"{BUILD}/adminui", "--config", conf], capture_output=True, text=True, timeout=60)
    assert r.returncode == 2 and "another adminui" in r.stderr
    assert admin.api.get("/me")["username"] == "admin"


def test_restart_keeps_sessions_and_ends_cleanly():
    """SIGTERM with an open stream and an idle connection: exit 0 at once; the session survives the restart, the password
    is printed once only."""
    with Stack(start=False) as s:
        s.start_adminui()
        s.log_in()
        stream = s.api.http.get(f"{s.api.base}/log/stream", stream=True, timeout=30)
        assert next(stream.iter_lines()) == b": records follow"
        wait_until(lambda: s.api.get("/status")["adminui"]["streams"] == 1, 5, "one stream")
        began = time.monotonic()
        assert s.adminui.stop() == 0
        assert time.monotonic() - began < 5 * SLOW
        assert not os.path.exists(f"{s.state}/admin.sock")
        s.start_adminui()
        assert s.api.get("/me")["username"] == "admin"
        assert len(re.findall("password=", s.adminui.output())) == 1
        s.adminui.stop(9)
        s.start_adminui()  # the socket file left behind is no hindrance
        assert s.api.get("/me")["username"] == "admin"


def test_setup_wizard():
    with Stack(start=False) as s:
        s.start_adminui()
        s.api.login("admin", s.first_password())
        assert s.api.get("/setup")["needed"] is True
        presets = s.api.get("/presets")["items"]
        assert {p["name"] for p in presets} == {"open", "careful", "named", "locked"}
        assert s.api.call("GET", "/policy/draft", ok=False).json()["type"].endswith(":one-time-password")
        r = s.api.call("POST", "/setup", {"new_password": "short", "preset": None, "user": None}, ok=False)
        assert r.status_code == 422
        done = s.api.post("/setup", {"new_password": "long enough now", "preset": "careful",
                                     "user": {"username": "bob", "password": "bobs", "groups": ["staff"]}})
        assert done["version"] == 2 and not done["applied"]
        assert s.api.get("/me")["must_change_password"] is False
        assert s.api.get("/setup")["needed"] is False and s.api.get("/users/bob")["groups"] == ["staff"]
        assert s.api.call("POST", "/setup", {"new_password": "long enough now"}, ok=False).status_code == 409
        first = s.api.get("/policy/draft")
        assert not s.api.put("/policy/draft", first)["changed"]  # laid out otherwise, the same document
        for p in presets:
            report = s.api.post("/policy/draft:validate", p["document"])
            assert report["ok"], (p["name"], report)
        Api(s.admin_port).login("admin", "long enough now")


def test_one_time_password():
    """With it one can set a password of one's own, and nothing else; the socket and tokens know no such thing."""
    with Stack(start=False) as s:
        s.start_adminui()
        once = s.first_password()
        assert s.api.login("admin", once)["must_change_password"]
        for method, path in [("GET", "/status"), ("GET", "/log"), ("GET", "/policy/draft"), ("GET", "/sessions"), ("POST", "/policy/draft:discard"),
                             ("GET", "/backup"), ("DELETE", "/sessions")]:
            r = s.api.call(method, path, ok=False)
            assert r.status_code == 403 and r.json()["type"] == "urn:proxyd:problem:one-time-password", (path, r.text)
        assert s.api.get("/setup")["needed"] and s.api.get("/presets")["items"] and s.api.get("/me")["username"] == "admin"
        s.ctl("policy", "show")
        s.api.call("PUT", "/me/password", {"current_password": once, "new_password": "one of my own"})
        assert s.api.get("/status")["adminui"]["sessions"] == 1


def test_sessions(admin):
    """An admin sees and ends all of them, others their own; a password change ends the others of that account."""
    admin.api.post("/accounts", {"username": "sitter", "password": "twelve letters", "role": "viewer"})
    mine, other = Api(admin.admin_port), Api(admin.admin_port)
    mine.login("sitter", "twelve letters")
    other.login("sitter", "twelve letters")
    own = mine.get("/sessions")["items"]
    assert {x["username"] for x in own} == {"sitter"} and len(own) == 2 and [x["is_own"] for x in own].count(True) == 1
    assert len(mine.get("/sessions?username=admin")["items"]) == 2  # others' are not shown
    all_of_them = admin.api.get("/sessions")["items"]
    assert {x["username"] for x in all_of_them} >= {"admin", "sitter"} and "hash" not in json.dumps(all_of_them)
    assert [x["username"] for x in admin.api.get("/sessions?username=SITTER")["items"]] == ["sitter", "sitter"]
    foreign = next(x["id"] for x in all_of_them if x["username"] == "admin")
    assert mine.call("DELETE", f"/sessions/{foreign}", ok=False).status_code == 404
    assert mine.call("DELETE", "/sessions?username=admin", ok=False).status_code == 403
    mine.call("DELETE", "/sessions")  # all but this one
    assert other.call("GET", "/me", ok=False).status_code == 401 and mine.get("/me")["username"] == "sitter"
    other.login("sitter", "twelve letters")
    theirs = next(x["id"] for x in other.get("/sessions")["items"] if x["is_own"])
    assert admin.api.call("DELETE", f"/sessions/{theirs}").status_code == 204
    assert other.call("GET", "/me", ok=False).status_code == 401
    assert admin.api.call("DELETE", f"/sessions/{theirs}", ok=False).status_code == 404
    admin.api.call("DELETE", "/sessions?username=sitter")
    assert mine.call("GET", "/me", ok=False).status_code == 401
    actions = [(r["action"], r["object"]) for r in admin.api.get("/audit?limit=8")["items"]]
    assert ("DELETE /sessions", "sitter") in actions and ("DELETE /sessions/{id}", theirs) in actions


def test_readings_are_written_down(admin):
    """Who looked for whom: a row for each question, not for each page of its answer."""
    question = "user=mallory&host=*.bank.example"
    for more in ("", "&limit=5", "&limit=5"):
        admin.api.get(f"/log?{question}{more}")
    admin.api.call("GET", "/log/export?user=mallory&format=csv")
    admin.api.call("GET", "/reports/users?from=now-1h")
    admin.api.call("GET", "/log?user=nobody&bogus=1", ok=False)
    admin.api.call("GET", "/log/7", ok=False)
    rows = [(r["action"], r["object"]) for r in admin.api.get("/audit?limit=50")["items"]]
    assert rows.count(("GET /log", question)) == 1
    assert ("GET /log/export", "user=mallory&format=csv") in rows and ("GET /reports/users", "from=now-1h") in rows
    assert not any("bogus" in o for _, o in rows)
    admin.api.post("/accounts", {"username": "reader", "password": "twelve letters", "role": "auditor"})
    reader = Api(admin.admin_port)
    reader.login("reader", "twelve letters")
    reader.get(f"/log?{question}")
    row = admin.api.get("/audit?limit=1")["items"][0]
    assert row["actor"] == "reader" and row["object"] == question
    assert admin.api.get("/audit:verify")["ok"]


def test_busy_clients_and_streams(admin):
    """Twenty streams beside busy clients: nobody stalls."""
    streams = [admin.api.http.get(f"{admin.api.base}/log/stream", stream=True, timeout=30) for _ in range(20)]
    slowest, faults = [0.0], []

    def work():
        api = Api(admin.admin_port)
        api.http.cookies = admin.api.http.cookies
        for _ in range(25):
            began = time.monotonic()
            try:
                api.get("/me")
            except Exception as e:
                faults.append(e)
            slowest[0] = max(slowest[0], time.monotonic() - began)
    threads = [threading.Thread(target=work) for _ in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not faults and slowest[0] < 3 * SLOW, (faults[:1], slowest)
    for s in streams:
        s.close()
    wait_until(lambda: admin.api.get("/status")["adminui"]["streams"] <= 20, 5, "streams")


def test_override_password_is_hashed_before_it_rests(admin):
    """A plain password of a rule never reaches the store, a version or an answer; a bad one stores nothing."""
    doc = {"default": {"action": "allow"}}
    before = admin.api.get("/policy/draft")
    rule = {"id": "pw", "action": "override", "when": {"hosts": ["pw.example"]}, "override": {"by": "password", "password": "open sesame"}}
    saved = admin.api.put("/policy/draft", {**doc, "rules": [rule]})
    assert saved["report"]["ok"], saved
    kept = admin.api.get("/policy/draft")["rules"][0]["override"]
    assert kept["password_hash"].startswith("$argon2id$") and "password" not in kept
    again = admin.api.put("/policy/draft", {**doc, "rules": [{**rule, "override": {**kept, "password": None}}]})
    assert again["report"]["ok"] and admin.api.get("/policy/draft")["rules"][0]["override"] == kept
    for bad in ("abc", "x" * 201, 7):
        tag = admin.api.call("GET", "/policy/draft").headers["ETag"]
        r = admin.api.call("PUT", "/policy/draft", {**doc, "rules": [{**rule, "override": {"by": "password", "password": bad}}]},
                           headers={"If-Match": tag}, ok=False)
        assert r.status_code == 422 and r.json()["errors"][0]["pointer"] == "/rules/0/override/password"
    assert admin.api.get("/policy/draft")["rules"][0]["override"] == kept
    with open(os.path.join(admin.state, "policy.db"), "rb") as db, open(os.path.join(admin.state, "policy.db-wal"), "rb") as wal:
        assert b"open sesame" not in db.read() + wal.read()
    admin.api.put("/policy/draft", before)


def test_hashes_of_passwords_are_not_for_readers(admin):
    """Who may not edit sees no hash in any document; what was read so is not stored over the password by accident."""
    s = admin
    before = s.api.get("/policy/draft")
    rule = {"id": "pw", "action": "override", "when": {"hosts": ["pw.example"]}, "override": {"by": "password", "password": "open sesame"}}
    s.publish(policy(rule))
    s.api.put("/policy/draft", policy({**rule, "override": {"by": "password", "password": "another word"}}))
    tag = s.api.call("GET", "/policy/draft").headers["ETag"]
    s.api.call("POST", "/policy/draft:publish", {"comment": "another word"}, headers={"If-Match": tag})
    for role in ("viewer", "auditor"):
        s.api.post("/accounts", {"username": f"pw-{role}", "password": "a long one for them", "role": role})
        reader = Api(s.admin_port)
        reader.login(f"pw-{role}", "a long one for them")
        version = reader.get("/policy/live")["version"]
        for path in ("/policy/draft", "/policy/live", f"/policy/versions/{version}", f"/policy/diff?from={version - 1}&to={version}", "/policy/pending?state=all"):
            text = reader.call("GET", path).text
            assert "$argon2id$v" not in text and "$m=" not in text, (role, path, text[:300])
        seen = reader.get("/policy/draft")
        assert seen["rules"][0]["override"] == {"by": "password", "password_hash": "$argon2id$hidden"}
        assert reader.post("/policy/draft:validate", seen)["ok"], "what they see can still be checked"
    kept = s.api.get("/policy/draft")
    assert kept["rules"][0]["override"]["password_hash"].startswith("$argon2id$v")
    assert s.api.put("/policy/draft", kept)["report"]["ok"], "an editor's round trip"
    tag = s.api.call("GET", "/policy/draft").headers["ETag"]
    r = s.api.call("PUT", "/policy/draft", seen, headers={"If-Match": tag}, ok=False)
    assert r.status_code == 422 and r.json()["errors"][0]["code"] == "hidden", r.text
    assert s.api.get("/policy/draft") == kept
    s.publish(before)
