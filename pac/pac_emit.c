/* pac_emit: see pac_emit.h. The JavaScript below is ES3: no trailing commas, no let, no helper of
 * the PAC environment but dnsResolve where asked for. All its names start with "pxd". Each function
 * has its twin in pac_decide.c; the tests run both over the same hosts on several engines. */
#include "pac/pac_emit.h"

#include <stdio.h>
#include <xxhash.h>

#include "pac/pac_js.h"

static const char script_core[] =
    "function pxdMap(a) {\n"
    "  var m = {}, i, j, n;\n"
    "  for (i = 0; i < a.length; i += 2) {\n"
    "    n = a[i + 1].split(\" \");\n"
    "    for (j = 0; j < n.length; j++) m[\".\" + n[j]] = a[i];\n"
    "  }\n"
    "  return m;\n"
    "}\n"
    "function pxdHas(m, k) {\n"
    "  var v = m[\".\" + k];\n"
    "  return typeof v === \"number\" ? v : -1;\n"
    "}\n"
    "function pxdFind(t, v) {\n"
    "  var a = 0, b = t.length / 3 - 1, m;\n"
    "  while (a <= b) {\n"
    "    m = (a + b) >> 1;\n"
    "    if (v < t[3 * m]) b = m - 1;\n"
    "    else if (v > t[3 * m + 1]) a = m + 1;\n"
    "    else return t[3 * m + 2];\n"
    "  }\n"
    "  return -1;\n"
    "}\n"
    "function pxdV4of(h) {\n"
    "  var p = h.split(\".\"), n = 0, i;\n"
    "  if (p.length !== 4) return -1;\n"
    "  for (i = 0; i < 4; i++) {\n"
    "    if (!/^(0|[1-9][0-9]?[0-9]?)$/.test(p[i]) || +p[i] > 255) return -1;\n"
    "    n = n * 256 + +p[i];\n"
    "  }\n"
    "  return n;\n"
    "}\n"
    "function pxdV6of(h) {\n"
    "  var p, a, b, n, s = \"\", i = h.lastIndexOf(\":\");\n"
    "  if (h.indexOf(\".\") >= 0) {\n"
    "    n = pxdV4of(h.substring(i + 1));\n"
    "    if (n < 0) return \"\";\n"
    "    h = h.substring(0, i + 1) + Math.floor(n / 65536).toString(16) + \":\" +\n"
    "      (n % 65536).toString(16);\n"
    "  }\n"
    "  p = h.split(\"::\");\n"
    "  if (p.length > 2) return \"\";\n"
    "  a = p[0] === \"\" ? [] : p[0].split(\":\");\n"
    "  b = p.length < 2 || p[1] === \"\" ? [] : p[1].split(\":\");\n"
    "  if (p.length < 2 ? a.length !== 8 : a.length + b.length > 7) return \"\";\n"
    "  n = 8 - a.length - b.length;\n"
    "  while (n-- > 0) a.push(\"0\");\n"
    "  a = a.concat(b);\n"
    "  for (i = 0; i < 8; i++) {\n"
    "    if (!/^[0-9a-f][0-9a-f]?[0-9a-f]?[0-9a-f]?$/.test(a[i])) return \"\";\n"
    "    s += (\"000\" + a[i]).slice(-4);\n"
    "  }\n"
    "  return s;\n"
    "}\n"
    "function pxdAddress(h) {\n"
    "  var n = -1;\n"
    "  if (h.indexOf(\":\") < 0) {\n"
    "    n = pxdV4of(h);\n"
    "    return n < 0 ? -2 : pxdFind(pxdV4, n);\n"
    "  }\n"
    "  h = pxdV6of(h);\n"
    "  if (h === \"\") return -2;\n"
    "  if (h.substring(0, 24) !== \"00000000000000000000ffff\") return pxdFind(pxdV6, h);\n"
    "  return pxdFind(pxdV4, parseInt(h.substring(24), 16));\n"
    "}\n"
    "function pxdName(h) {\n"
    "  var r, i;\n"
    "  if (pxdPlain && h.indexOf(\".\") < 0) return 0;\n"
    "  r = pxdHas(pxdExact, h);\n"
    "  while (r < 0) {\n"
    "    r = pxdHas(pxdDomains, h);\n"
    "    i = h.indexOf(\".\");\n"
    "    if (i < 0) break;\n"
    "    h = h.substring(i + 1);\n"
    "  }\n"
    "  return r;\n"
    "}\n"
    "function pxdPort(u, s) {\n"
    "  var m = /^[^:\\/?#]*:\\/\\/[^\\/?#]*:([0-9]+)([\\/?#]|$)/.exec(u);\n"
    "  if (m) return +m[1];\n"
    "  return s === \"http\" || s === \"ws\" ? 80 : s === \"https\" || s === \"wss\" ? 443 :\n"
    "    s === \"ftp\" ? 21 : 0;\n"
    "}\n"
    "function pxdRoute(u, h) {\n"
    "  var a = pxdAddress(h), r = a === -2 ? pxdName(h) : a, s;\n"
    "  if (r >= 0) return r;\n"
    "  s = u.substring(0, u.indexOf(\":\")).toLowerCase();\n"
    "  if (pxdHas(pxdSchemes, s) >= 0 || pxdHas(pxdPorts, pxdPort(u, s)) >= 0) return 0;\n";

static const char script_resolve[] = "  if (a === -2) {\n"
                                     "    a = dnsResolve(h);\n"
                                     "    a = a ? pxdV4of(String(a)) : -1;\n"
                                     "    r = a < 0 ? -1 : pxdFind(pxdV4, a);\n"
                                     "    if (r >= 0) return r;\n"
                                     "  }\n";

static const char script_main[] =
    "  return 1;\n"
    "}\n"
    "function FindProxyForURL(url, host) {\n"
    "  var h = String(host).toLowerCase().replace(/^\\[/, \"\").replace(/\\]$/, \"\"), i;\n"
    "  i = h.indexOf(\"%\");\n"
    "  if (i >= 0 && h.indexOf(\":\") >= 0) h = h.substring(0, i);\n"
    "  if (h.length > 1 && h.charAt(h.length - 1) === \".\") h = h.substring(0, h.length - 1);\n"
    "  i = pxdAnswers[pxdRoute(String(url), h)];\n";

static const char script_answer[] = "  return i;\n"
                                    "}\n";

static const char script_share[] =
    "  return typeof i === \"string\" ? i : pxdShare(i, h);\n"
    "}\n"
    "function pxdMul(a, b) {\n"
    "  return ((a & 65535) * b + ((a >>> 16) * b % 65536) * 65536) % 4294967296;\n"
    "}\n"
    "function pxdMix(h) {\n"
    "  h = pxdMul((h ^ (h >>> 16)) >>> 0, 2246822507);\n"
    "  h = pxdMul((h ^ (h >>> 13)) >>> 0, 3266489909);\n"
    "  return (h ^ (h >>> 16)) >>> 0;\n"
    "}\n"
    "function pxdShare(g, h) {\n"
    "  var f = 2166136261, o = [], t = [], i, j, v;\n"
    "  for (i = 0; i < h.length; i++)\n"
    "    f = pxdMul((f ^ (h.charCodeAt(i) & 255)) >>> 0, 16777619);\n"
    "  for (i = 1; i < g.length; i++) {\n"
    "    o.push([-1, i]);\n"
    "    for (j = 1; j < g[i].length; j++) {\n"
    "      v = pxdMix((f ^ g[i][j]) >>> 0);\n"
    "      if (v > o[i - 1][0]) o[i - 1][0] = v;\n"
    "    }\n"
    "  }\n"
    "  o.sort(function (x, y) { return y[0] - x[0] || x[1] - y[1]; });\n"
    "  for (i = 0; i < o.length && i < 4; i++) t.push(g[o[i][1]][0]);\n"
    "  if (g[0]) t.push(\"DIRECT\");\n"
    "  return t.join(\"; \");\n"
    "}\n";
_Static_assert(PAC_TRIED_MAX == 4, "pxdShare holds the same bound");

/* "pxdMap([0, "a b", 2, "c"])": the names of each route that has some. */
static void emit_names(struct buf *out, const char *var, const struct pac_name *t, size_t n,
                       size_t n_routes)
{
    bool first = true;
    buf_addf(out, "var %s = pxdMap([", var);
    for (uint16_t route = 0; route < n_routes; route++) {
        bool is_open = false;
        for (size_t i = 0; i < n; i++) {
            if (t[i].route != route)
                continue;
            if (!is_open)
                buf_addf(out, "%s\n%u, \"", first ? "" : ",", route);
            else
                buf_add_c(out, ' ');
            is_open = true;
            first = false;
            buf_add(out, t[i].name); /* letters, digits, "-._" by pac_parse */
        }
        if (is_open)
            buf_add_c(out, '"');
    }
    buf_add_z(out, "]);\n");
}

static void emit_hex(struct buf *out, const struct ip *ip)
{
    buf_add_c(out, '"');
    for (size_t i = 0; i < sizeof ip->b; i++)
        buf_addf(out, "%02x", ip->b[i]);
    buf_add_c(out, '"');
}

static void emit_ranges(struct buf *out, const struct pac_profile *p)
{
    buf_add_z(out, "var pxdV4 = [");
    for (size_t i = 0; i < p->n_v4; i++)
        buf_addf(out, "%s\n%u, %u, %u", i ? "," : "", p->v4[i].lo, p->v4[i].hi, p->v4[i].route);
    buf_add_z(out, "];\nvar pxdV6 = [");
    for (size_t i = 0; i < p->n_v6; i++) {
        buf_add_z(out, i ? ",\n" : "\n");
        emit_hex(out, &p->v6[i].lo);
        buf_add_z(out, ", ");
        emit_hex(out, &p->v6[i].hi);
        buf_addf(out, ", %u", p->v6[i].route);
    }
    buf_add_z(out, "];\n");
}

static void emit_schemes_ports(struct buf *out, const struct pac_profile *p)
{
    buf_add_z(out, "var pxdSchemes = pxdMap([");
    for (size_t i = 0; i < p->n_schemes; i++) {
        buf_add_z(out, i ? " " : "0, \"");
        buf_add(out, p->schemes[i]);
    }
    buf_add_z(out, p->n_schemes ? "\"" : "");
    buf_add_z(out, "]);\nvar pxdPorts = pxdMap([");
    for (size_t i = 0; i < p->n_ports; i++)
        buf_addf(out, "%s%u", i ? " " : "0, \"", p->ports[i]);
    buf_add_z(out, p->n_ports ? "\"" : "");
    buf_add_z(out, "]);\n");
    buf_addf(out, "var pxdPlain = %s;\n", p->is_plain_direct ? "true" : "false");
}

static bool is_shared(const struct pac_route *r)
{
    return r->sharing == PAC_BY_HOST && r->n_proxies > 1;
}

/* [then direct, ["PROXY a:1", seed, ...], ...] for pxdShare. */
static enum err emit_shared(struct buf *out, const struct pac_route *r, const struct pac_self *self)
{
    struct buf entry;
    enum err e = OK;
    buf_init(&entry, 1024);
    buf_add_c(out, '[');
    buf_add_c(out, r->then_direct ? '1' : '0');
    for (size_t i = 0; i < r->n_proxies && e == OK; i++) {
        buf_clear(&entry);
        e = pac_entry_write(&r->proxies[i], self, &entry);
        buf_add_z(out, ",\n[");
        pac_js_string(out, buf_str(&entry));
        for (unsigned k = 0; k < r->proxies[i].weight; k++)
            buf_addf(out, ", %u", pac_entry_seed(buf_str(&entry), k));
        buf_add_c(out, ']');
    }
    buf_add_c(out, ']');
    if (e == OK && entry.failed)
        e = ERR_NOMEM;
    buf_fini(&entry);
    return e;
}

static enum err emit_failover(struct buf *out, const struct pac_route *r,
                              const struct pac_self *self)
{
    struct buf text;
    enum err e = OK;
    buf_init(&text, 16384);
    for (size_t i = 0; i < r->n_proxies && e == OK; i++) {
        if (i)
            buf_add_z(&text, "; ");
        e = pac_entry_write(&r->proxies[i], self, &text);
    }
    if (r->then_direct)
        buf_add_z(&text, r->n_proxies ? "; DIRECT" : "DIRECT");
    pac_js_string(out, buf_str(&text));
    if (e == OK && text.failed)
        e = ERR_NOMEM;
    buf_fini(&text);
    return e;
}

static enum err emit_answers(struct buf *out, const struct pac_profile *p,
                             const struct pac_self *self)
{
    enum err e = OK;
    buf_add_z(out, "var pxdAnswers = [");
    for (size_t i = 0; i < p->n_routes && e == OK; i++) {
        buf_add_z(out, i ? ",\n" : "\n");
        e = is_shared(&p->routes[i]) ? emit_shared(out, &p->routes[i], self)
                                     : emit_failover(out, &p->routes[i], self);
    }
    buf_add_z(out, "];\n");
    return e;
}

static bool any_shared(const struct pac_profile *p)
{
    for (size_t i = 0; i < p->n_routes; i++) {
        if (is_shared(&p->routes[i]))
            return true;
    }
    return false;
}

enum err pac_emit(const struct pac_input *in, struct buf *out)
{
    const struct pac_profile *p = &in->model->profiles[in->profile];
    size_t before = out->n;
    buf_add_z(out, "/* proxyd PAC, profile ");
    pac_js_comment(out, p->name);
    buf_addf(out, ", settings version %llu. Made by a program, changes here are lost. */\n",
             (unsigned long long)in->version);
    enum err e = emit_answers(out, p, &in->self);
    if (e != OK)
        return e;
    emit_names(out, "pxdExact", p->exact, p->n_exact, p->n_routes);
    emit_names(out, "pxdDomains", p->suffix, p->n_suffix, p->n_routes);
    emit_ranges(out, p);
    emit_schemes_ports(out, p);
    buf_add_z(out, script_core);
    if (p->may_resolve && p->n_v4 > 0)
        buf_add_z(out, script_resolve);
    buf_add_z(out, script_main);
    buf_add_z(out, any_shared(p) ? script_share : script_answer);
    return out->failed || out->n - before > PAC_MAX_BYTES ? ERR_LIMIT : OK;
}

void pac_emit_etag(struct str text, char out[PAC_ETAG_BYTES])
{
    unsigned long long h = XXH3_64bits(text.p, text.n);
    snprintf(out, PAC_ETAG_BYTES, "\"%016llx\"", h);
}
