/* squid_words: a table of directives by how their names begin; the first that fits. */
#include "convert/squid_words.h"

static const struct words {
    const char *begins;
    enum outcome_kind kind;
    const char *about;
} words[] = {
    {"http_port", OUTCOME_DROPPED, "Ports stand in the bootstrap file: [proxy] listen."},
    {"https_port", OUTCOME_DROPPED, "Ports stand in the bootstrap file: [proxy] listen."},
    {"auth_param", OUTCOME_DROPPED,
     "People come from the directory: set it up under Users, Directory."},
    {"authenticate_", OUTCOME_NOT_NEEDED,
     "How long a login is remembered is a setting of the directory."},
    {"cache_peer", OUTCOME_DROPPED,
     "Parent proxies have settings of their own: System, Parent proxies."},
    {"prefer_direct", OUTCOME_DROPPED,
     "Parent proxies have settings of their own: System, Parent proxies."},
    {"cache_mem", OUTCOME_NOT_NEEDED, "There is no response cache to size."},
    {"cache_dir", OUTCOME_NOT_NEEDED, "There is no response cache to size."},
    {"cache_log", OUTCOME_NOT_NEEDED, "Messages go to the journal of the system."},
    {"cache_store_log", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"cache", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"refresh_pattern", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"maximum_object_size", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"minimum_object_size", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"range_offset_limit", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"quick_abort", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"memory_", OUTCOME_NOT_NEEDED, "Memory is not tuned by hand."},
    {"ipcache", OUTCOME_NOT_NEEDED, "Names are cached by their own lifetimes."},
    {"fqdncache", OUTCOME_NOT_NEEDED, "Names are cached by their own lifetimes."},
    {"positive_dns_ttl", OUTCOME_NOT_NEEDED, "Names are cached by their own lifetimes."},
    {"negative_", OUTCOME_NOT_NEEDED, "Failures are remembered shortly by themselves."},
    {"coredump_dir", OUTCOME_NOT_NEEDED, "Nothing is written outside the state directory."},
    {"pid_filename", OUTCOME_NOT_NEEDED, "The service manager knows the process."},
    {"access_log", OUTCOME_NOT_NEEDED, "Every request has a record; export gives Squid's format."},
    {"logformat", OUTCOME_NOT_NEEDED, "Every request has a record; export gives Squid's format."},
    {"log", OUTCOME_NOT_NEEDED, "Every request has a record; how long it is kept is a setting."},
    {"strip_query_terms", OUTCOME_DROPPED, "Use `log: no-query` on the rules it should hold for."},
    {"buffered_logs", OUTCOME_NOT_NEEDED, "Records are written in the background."},
    {"debug_options", OUTCOME_NOT_NEEDED, "Decisions explain themselves in the log."},
    {"dns_nameservers", OUTCOME_DROPPED,
     "Name servers stand in the bootstrap file: [proxy] resolvers."},
    {"dns_", OUTCOME_NOT_NEEDED, "Name look-ups have their own limits."},
    {"append_domain", OUTCOME_DROPPED,
     "Short names are not completed here; send them direct by the PAC file."},
    {"hosts_file", OUTCOME_NOT_NEEDED, "Names are asked of the name servers alone."},
    {"visible_hostname", OUTCOME_DROPPED, "The name of the node is a setting of the proxy."},
    {"unique_hostname", OUTCOME_DROPPED, "The name of the node is a setting of the proxy."},
    {"cache_mgr", OUTCOME_DROPPED, "Whom a blocked person can ask is a setting of the block page."},
    {"cache_effective", OUTCOME_NOT_NEEDED, "The user stands in the bootstrap file: [proxy] user."},
    {"error_", OUTCOME_DROPPED, "Pages carry the message of the rule; put the text there."},
    {"email_err_data", OUTCOME_NOT_NEEDED, "Pages carry the number of the record instead."},
    {"ftp_", OUTCOME_NOT_NEEDED, "FTP is not proxied here; clients go direct by the PAC file."},
    {"follow_x_forwarded_for", OUTCOME_DROPPED, "Use the PROXY protocol on the listener instead."},
    {"request_header", OUTCOME_DROPPED, "Use `set_headers` on the rules it should hold for."},
    {"reply_header", OUTCOME_DROPPED, "Header fields of answers are not changed."},
    {"header_", OUTCOME_DROPPED, "Header fields of answers are not changed."},
    {"url_rewrite", OUTCOME_DROPPED,
     "A rewriting program is not run. Was it squidGuard? Then upload squidGuard.conf as well."},
    {"redirect_program", OUTCOME_DROPPED,
     "A rewriting program is not run. Was it squidGuard? Then upload squidGuard.conf as well."},
    {"store_id", OUTCOME_NOT_NEEDED, "There is no response cache."},
    {"delay_", OUTCOME_DROPPED, "Use `limit` on the rules it should hold for."},
    {"ssl_bump", OUTCOME_DROPPED,
     "HTTPS is filtered by host; `tls` of a rule says what is opened."},
    {"sslcrtd", OUTCOME_DROPPED, "Certificates are made inside; no program is needed."},
    {"sslproxy", OUTCOME_DROPPED,
     "HTTPS is filtered by host; `tls` of a rule says what is opened."},
    {"tls_outgoing", OUTCOME_DROPPED,
     "HTTPS is filtered by host; `tls` of a rule says what is opened."},
    {"icap_", OUTCOME_DROPPED, "Content scanning is not there yet."},
    {"ecap_", OUTCOME_DROPPED, "Content scanning is not there yet."},
    {"adaptation_", OUTCOME_DROPPED, "Content scanning is not there yet."},
    {"snmp_", OUTCOME_NOT_NEEDED, "Figures are at /metrics of the dashboard."},
    {"htcp_", OUTCOME_NOT_NEEDED, "There is no cache to share."},
    {"icp_", OUTCOME_NOT_NEEDED, "There is no cache to share."},
    {"half_closed", OUTCOME_NOT_NEEDED, "Connections have limits in time of their own."},
    {"shutdown_lifetime", OUTCOME_NOT_NEEDED, "How long it drains is a setting of the proxy."},
    {"connect_", OUTCOME_NOT_NEEDED, "Limits in time are settings of the proxy."},
    {"read_", OUTCOME_NOT_NEEDED, "Limits in time are settings of the proxy."},
    {"request_", OUTCOME_NOT_NEEDED, "Limits in time and size are settings of the proxy."},
    {"client_", OUTCOME_NOT_NEEDED, "Limits in time are settings of the proxy."},
    {"server_", OUTCOME_NOT_NEEDED, "Limits in time are settings of the proxy."},
    {"persistent_", OUTCOME_NOT_NEEDED, "Connections are kept and reused by themselves."},
    {"pconn_", OUTCOME_NOT_NEEDED, "Connections are kept and reused by themselves."},
    {"max_filedesc", OUTCOME_NOT_NEEDED, "The limit of descriptors is raised at start."},
    {"workers", OUTCOME_DROPPED, "Workers stand in the bootstrap file: [proxy] workers."},
    {"cpu_affinity", OUTCOME_NOT_NEEDED, "Workers are placed by the system."},
    {"tcp_outgoing", OUTCOME_DROPPED,
     "The address to connect from is chosen by the system's routes."},
    {"reply_body_max_size", OUTCOME_DROPPED, "Write a rule with `min_bytes` that blocks."},
};

const char *squid_words_about(struct str directive, enum outcome_kind *kind)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts(directive, str_of(words[i].begins))) {
            *kind = words[i].kind;
            return words[i].about;
        }
    }
    *kind = OUTCOME_DROPPED;
    return "A setting of Squid that has no counterpart in a policy.";
}
