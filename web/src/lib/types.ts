// Shapes of the JSON API (adminui/openapi.json), only the members the pages read.
export type Action = 'allow' | 'block' | 'warn' | 'redirect' | 'override';
export type Role = 'viewer' | 'auditor' | 'editor' | 'admin';
export type Verdict = 'allowed' | 'blocked' | 'warned' | 'denied_auth' | 'refused' | 'error';

export interface Fault { pointer: string; code: string; message: string; witness?: string | null }
export interface Problem { type: string; title: string; status: number; detail?: string; instance?: string; errors?: Fault[]; etag?: string; retry_after_ms?: number }
export interface Me { username: string; role: Role; permissions: string[]; via: string; csrf_token: string | null; expires_at: string | null; must_change_password: boolean }
export interface Setup { needed: boolean; version: string }

export interface Conditions {
  users?: string[]; groups?: string[]; networks?: string[]; listeners?: string[]; schedules?: string[];
  schemes?: string[]; methods?: string[]; ports?: (number | string)[]; hosts?: string[]; url_patterns?: string[];
  categories?: string[]; lists?: string[]; content_types?: string[]; extensions?: string[]; user_agents?: string[];
  min_bytes?: number; max_bytes?: number;
}
export type ConditionKey = keyof Conditions;
export interface Rule {
  id: string; name?: string; enabled?: boolean; shadow?: boolean; when?: Conditions; unless?: Conditions; action: Action;
  redirect_url?: string | null; message?: string; owner?: string; comment?: string; expires_at?: string | null;
  tls?: string; log?: string; safe_search?: boolean | 'off' | 'moderate' | 'strict'; scan?: boolean; set_headers?: Record<string, string | null>; upstream?: string | null; limit?: { bytes_per_second?: number };
  remember_minutes?: number; override?: Override; quota?: Quota;
}
export interface Override { by: 'justification' | 'password'; min_length?: number; password?: string; password_hash?: string }
export interface Quota { minutes_per_day?: number | null; bytes_per_day?: number | null; per?: 'user' | 'category'; zone?: string }
export interface Window { days: string[]; from: string; to: string }
export interface Schedule { name: string; zone: string; windows: Window[] }
export interface List { name: string; kind: 'domains' | 'url_patterns' | 'networks'; entries: string[] }
export interface PolicyTest { name: string; url: string; method?: string; user?: string; groups?: string[]; client?: string; time?: string; content_type?: string; expect: Action }
export interface Policy {
  comment?: string; identity?: 'when-needed' | 'always' | 'never'; default: { action: Action; message?: string };
  schedules?: Schedule[]; lists?: List[]; rules: Rule[]; tests?: PolicyTest[];
}
export interface TestResult { name: string; passed: boolean; expected: Action; got: Action | null; rule: string | null; message: string }
export interface Report { ok: boolean; errors: Fault[]; warnings: Fault[]; tests: TestResult[] }
export interface DraftSaved { etag: string; changed: boolean; report: Report }
export interface Published { version: number | null; applied: boolean; message: string; pending?: string | number | null }
export interface PolicyVersion { version: number; published_at: string; published_by: string; comment: string; is_live: boolean; n_rules: number; rolled_back_from: number | null }
export interface PolicyVersionFull extends PolicyVersion { document: Policy }
export interface Change {
  op: 'added' | 'removed' | 'changed' | 'moved'; kind: 'rule' | 'list' | 'schedule' | 'test' | 'setting'; id: string; name: string;
  from_position: number | null; to_position: number | null; fields: { pointer: string; before: unknown; after: unknown; n_added?: number; n_removed?: number; added?: string[]; removed?: string[] }[];
}
export interface Diff { from: string; to: string; same: boolean; changes: Change[] }
export interface Preset { name: string; title: string; description: string; document: Policy }

export type Fit = 'no' | 'unknown' | 'yes';
export interface TraceRule {
  index: number; id: string; name: string; action: Action; enabled: boolean; shadow: boolean; fit: Fit; decided: boolean; needs: string | null;
  conditions: TraceCondition[]; text: string;
}
export interface TraceCondition { side: 'when' | 'unless'; key: string; fit: Fit; value: string | null; source?: string | null; source_title?: string | null; since?: string | null; path?: string | null; text?: string | null }
export interface Flip { rule: string; side: string | null; key: string | null; value: string | null; action: Action; text: string }
export interface Simulated {
  action: Action; is_final: boolean; rule: string | null; rule_name: string | null; version: number | null; categories: string[]; needs: string | null;
  message: string | null; redirect_url: string | null; log: string; tls: string; shadow: string[]; url: string; host: string; trace: TraceRule[];
  flip?: Flip[]; why?: string | null; index?: number | null; lists?: { version: number | string; built_at: string | null } | null;
}

export interface Counts { domains: number; urls: number; expressions: number; ips: number }
export interface Category { name: string; title: string; description: string; counts: Counts; updated_at: string | null; source: string; used_by: string[] }
export interface IndexInfo { ready: boolean; bytes: number; entries: number; categories: number; built_at: string | null; state: 'current' | 'rebuilding' | 'missing' | 'damaged' }
export interface CategoryList { items: Category[]; index: IndexInfo }
export interface LookupHit { category: string; entry: string; kind: string; source?: string; source_title?: string | null; since?: string | null }
export interface Lookup { host: string; categories: string[]; matches: LookupHit[]; exceptions?: LookupHit[] }
export interface SourceRow { source: string; title: string; format: string; counts: Counts; created_at: string | null; updated_at: string | null }
export interface EntryPage { items: string[]; details?: { entry: string; kind: string; source: string; source_title: string | null; since: string | null }[]; next_cursor: string | null }
export interface EntriesSaved { added: number; removed: number; excepted: number; rejected: { text: string; reason: string }[]; applied: boolean; message: string; ms: number }
export interface ImportResult {
  accepted: number; duplicates: number; rejected: { line: number; text: string; reason: string; file: string }[]; n_rejected: number; format: string;
  added?: number; removed?: number; categories: { name: string; accepted: number; duplicates: number; n_rejected: number; counts: Counts }[];
  dry_run?: boolean; applied: boolean; message: string; ms?: number;
  warnings?: { code: string; category: string; text: string; entries: string[]; n: number }[];
}
export interface Job {
  id: string; kind: string; state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'; progress: number; message: string;
  result: unknown; created_at: string; created_by: string; ended_at: string | null;
}

export interface Converted {
  from: string; document: Policy; report: { file: string; line: number; text: string; outcome: 'translated' | 'partly' | 'dropped' | 'not-needed'; note: string; rule: string | null }[];
  counts: Record<string, number>; rows_left_out: number; categories: { name: string; entries: number }[]; stored: boolean;
  settings: { upstreams?: Upstreams; privacy?: { privacy?: string; referer?: string } };
}

export interface User { username: string; groups: string[]; comment: string; enabled: boolean; created_at: string; updated_at: string }
export interface TestStep { step: string; ok: boolean; ms: number; detail: string }

export interface LogRecord {
  id: number; node: string; time: string; duration_ms: number; client: string; user: string; groups: string[]; method: string; url: string; scheme: string;
  host: string; port: number; status: number; bytes_in: number; bytes_out: number; content_type: string; verdict: Verdict; rule: string; rule_name: string;
  policy_version: number; categories: string[]; shadow: string[]; cache: string; tls: string; upstream: string; upstream_ms: number; user_agent: string;
  referer: string; error: string; listener?: string; group_paths?: string[]; effect?: string; note?: string;
}
/** A recorded decision, judged once more as it was then. */
export interface Explained {
  why: string; action: Action; is_final: boolean; rule: string | null; rule_name: string | null; index: number | null; version: number | null; lists: { version: number | string; built_at: string | null } | null;
  same_as_recorded: boolean; reason: string | null; trace: TraceRule[]; flip: Flip[];
}
export interface Page<T> { items: T[]; next_cursor: string | null }

export interface Totals {
  requests: number; allowed: number; blocked: number; warned: number; denied_auth: number; refused: number; error: number;
  bytes_in: number; bytes_out: number; users: number; p50_ms: number | null; p95_ms: number | null;
}
export interface SeriesPoint { time: string; requests: number; allowed: number; blocked: number; warned: number; denied_auth: number; refused: number; error: number; bytes_in: number; bytes_out: number }
export interface TopRow { name: string; title: string; requests: number; blocked: number; bytes_in: number; bytes_out: number }
export interface Overview {
  from: string; to: string; bucket_ms: number; totals: Totals; series: SeriesPoint[];
  top: { users: TopRow[]; hosts: TopRow[]; blocked_hosts: TopRow[]; categories: TopRow[]; rules: TopRow[] };
}

export interface Status {
  time: string; warnings: { code: string; message: string }[];
  adminui: { version: string; uptime_ms: number; pid: number; sessions: number; streams: number; jobs_running: number };
  policy: { live_version: number; running_version: number | null; published_at: string | null; published_by: string; comment: string; draft_changed: boolean };
  index: IndexInfo; publishing?: Watch | null;
  proxyd: { running: boolean; message: string; status: Record<string, unknown> | null };
}

export interface Account { username: string; role: Role; enabled: boolean; must_change_password: boolean; created_at: string; last_login_at: string | null }
export interface Token { id: string; name: string; scopes: string[]; created_by: string; created_at: string; expires_at: string; last_used_at: string | null; last_used_from: string | null }
export interface AuditRow { id: number; time: string; actor: string; via: string; from: string; action: string; object: string; before: unknown; after: unknown; result: string; request_id: string }

export interface PacProxy { type: string; host: string | null; port: number; weight?: number }
export interface PacDirect { domains?: string[]; exact?: string[]; networks?: string[]; schemes?: string[]; ports?: number[] }
export interface PacRoute { name: string; proxies: PacProxy[]; sharing?: string; fallback?: string; domains?: string[]; exact?: string[]; networks?: string[] }
export interface PacProfile {
  name: string; networks?: string[]; proxies?: PacProxy[]; sharing?: string; fallback?: string; plain_names_direct?: boolean;
  direct?: PacDirect; routes?: PacRoute[]; resolve_names?: boolean;
}
export interface PacDocument { url?: string; profiles: PacProfile[] }
export interface DeployTarget { target: string; title: string; file_name: string; content_type: string; notes?: string }

export interface QuotaRow {
  user: string; rule: string; rule_name: string; category: string; day: string; zone: string; minutes_used: number; minutes_per_day: number | null; bytes_used: number; bytes_per_day: number | null;
  is_spent: boolean; last_at: string | null; renewed_at: string;
}
export interface QuotaList { items: QuotaRow[]; truncated: boolean; table: { slots: number; used: number; evicted: number; damaged: boolean | number; is_kept: boolean } }
export interface Grant { user: string; host: string; rule: string; rule_name: string; kind: string; until: string; note: string }

export interface Finding {
  kind: string; severity: 'error' | 'warning' | 'hint'; rule: string | null; index: number | null; other_rule: string | null; other_index: number | null; pointer: string | null; text: string;
}
export interface Lint { findings: Finding[]; n_rules: number; n_findings: number; truncated: boolean; idle_days: number; counted_from: string | null }

export interface FlipRow { name: string; title?: string; flips: number; newly_blocked: number; newly_allowed: number }
export interface FlipExample {
  id: number; time: string; user: string; client: string; host: string; url: string; before: string; after: string; rule_before: string; rule_after: string; text?: string;
}
export interface Replay {
  from: string; to: string; policy: string; version: number | null; ms: number; records: number; judged: number; flips: number; people: number; hosts: number; newly_blocked: number; newly_allowed: number; other: number;
  unsure: number; by_lists: number; rule_changes?: number; is_whole?: boolean; by_user: FlipRow[]; by_host: FlipRow[]; by_category: FlipRow[]; by_rule: FlipRow[]; examples: FlipExample[]; examples_unsure?: FlipExample[]; examples_lists?: FlipExample[];
  unsure_reasons?: { text: string; n: number }[];
}

export interface Rates { requests: number; blocked?: number; errors?: number; block_rate: number | null; error_rate: number | null }
export interface Watch {
  version: number | null; previous: number | null; state: 'watching' | 'calm' | 'returned' | 'ended' | 'no-baseline' | 'off'; since: string | null; until: string | null; now: Rates | null; expected: Rates | null; message: string;
  canary: { pending: string | number; version: number; until: string | null } | null; n_pending: number;
}
export interface Pending {
  id: string | number; kind: 'publish' | 'rollback' | 'exception' | 'settings'; state: string; comment: string; created_by: string; created_at: string; publish_at: string | null; base_version: number | null; version: number | null;
  needs_approvals: number; approvals: { by: string; at: string; comment: string; verdict: 'approved' | 'rejected' }[]; is_emergency: boolean; is_forced: boolean; reason: string;
  canary: { networks: string[]; groups: string[]; users: string[]; minutes: number | null; since: string | null; until: string | null; watch: Pick<Watch, 'now' | 'expected'> | null } | null;
  report: Report | null; replay: Replay | null; message: string; ended_at: string | null; changes?: Diff | Change[];
}
export interface Publishing {
  approval: { required: boolean; roles: string[] }; late_minutes: number;
  return: { enabled: boolean; watch_minutes: number; min_requests: number; max_block_rate_factor: number; min_block_rate: number; max_error_rate: number };
}
export interface UpstreamMember { address: string; username?: string | null; password?: string | null; weight?: number; backup?: boolean; proxy_protocol?: 'off' | 'v1' | 'v2'; comment?: string }
export interface UpstreamGroup {
  name: string; members: UpstreamMember[]; balance?: 'first' | 'round-robin' | 'client-hash'; when_all_down?: 'fail' | 'direct'; connect_timeout_ms?: number; answer_timeout_ms?: number;
  check?: { kind?: 'connect' | 'http'; url?: string; interval_ms?: number; timeout_ms?: number; retry_ms?: number; down_after?: number; up_after?: number }; comment?: string;
}
export interface Upstreams { groups: UpstreamGroup[]; default?: string | null }
export interface Upstream {
  group: string; default: boolean; address: string; state: 'up' | 'down'; since: string | null; error: string; backup: boolean; weight: number;
  requests: number; failures: number; checks: number; missed: number;
}
export interface Exception {
  id: string; name: string; owner: string; reason: string; created_at: string | null; expires_at: string | null; state: 'active' | 'lapsing' | 'lapsed' | 'draft'; in_live: boolean; in_draft: boolean; hits: number; last_hit_at: string | null;
  still_used: boolean; when: Conditions | null; action: Action | null;
}
export interface Radius { records: number; newly_allowed: number; people: { name: string; n: number }[]; hosts: { name: string; n: number }[]; examples: FlipExample[]; from: string; to: string }
export interface ExceptionAnswer { rule: Rule; id: string; before: string | null; sentence: string; version: number | null; applied: boolean; message: string; pending: string | number | null; radius: Radius | null }
export interface Usage { counted_from: string | null; days: number; items: { rule: string; name: string; hits: number; blocked: number; last_hit_at: string | null }[] }

export interface PatternCost {
  where: string[]; pattern: string; list: string | null; rule: string | null; evals: number; hits: number; limit_hits: number; ns_per_request: number; share: number; worst_ns: number; worst_input: string | null;
  filter: string; literal: string | null; host_entry: string | null; suggestion: string | null;
}
export interface Patterns { version: number; sampled: number; one_in: number; n_patterns: number; scan_ns_per_request: number; items: PatternCost[] }

export interface SubscriptionConfig {
  name: string; url: string; category: string; prefix: string; username: string; password: string | null; ca_file: string; proxy: string; checksum: string; checksum_url: string; every_hours: number; enabled: boolean; allow_private: boolean;
  max_bytes: number; max_entries: number; shrink_percent: number; grow_percent: number; format: string;
}
export interface Subscription extends SubscriptionConfig {
  id: number; has_password: boolean; source: string; state: 'new' | 'fresh' | 'failing' | 'waiting' | 'off'; is_stale: boolean; why: string;
  waiting: { entries: number; before: number; added: number; removed: number; categories: { name: string; before: number; added: number; removed: number }[]; examples_added?: string[]; examples_removed?: string[] } | null;
  checked_at: string | null; good_at: string | null; next_at: string | null; failures: number; entries: number;
}
export interface CatalogueRow { name: string; url: string; category: string; prefix: string; format: string; every_hours: number; licence: string; about: string }
export interface FetchRow { at: string; outcome: 'updated' | 'unchanged' | 'failed' | 'waiting' | 'rejected'; status: number; bytes: number; entries: number; added: number; removed: number; took_ms: number; why: string }
export interface SessionRow { id: string; username: string; from: string; created_at: string; last_used_at: string; expires_at: string; is_own: boolean }

export interface TrafficNumbers {
  connections?: number | null;
  requests_per_second?: number | null;
  burst?: number | null;
  concurrent_requests?: number | null;
  tunnels?: number | null;
  bytes_per_second?: number | null;
  new_connections_per_second?: number | null;
  queue_delay_ms?: number | null;
}
export interface TrafficClass extends TrafficNumbers {
  name: string;
  networks: string[];
  exempt?: boolean;
  together?: boolean;
}
export interface Traffic {
  per_client: TrafficNumbers;
  per_user: TrafficNumbers;
  total: TrafficNumbers;
  min_rate: { bytes_per_second: number; window_ms: number };
  when_over: 'refuse' | 'delay';
  delay_ms: number;
  ipv4_prefix: number;
  ipv6_prefix: number;
  classes: TrafficClass[];
}
export type PrivacyMode = 'via' | 'named' | 'anonymous' | 'high-anonymity';
/** What the settings say of a listener. */
export interface ListenerSetting {
  listener: string;
  privacy?: PrivacyMode;
  referer?: string;
  trust_forwarded?: string[];
}
/** What holds for it. */
export interface ListenerPrivacy {
  listener: string;
  privacy: PrivacyMode;
  referer: string;
  said_by: 'file' | 'settings' | 'default';
  referer_said_by: 'file' | 'settings' | 'default';
}
export interface PrivacyTest extends Omit<ListenerPrivacy, 'referer_said_by'> {
  kept: boolean;
  in_order: boolean;
  client: string;
  source: string;
  items: { field: string; sent: string | null; seen: string | null; tells: string; breaks: boolean }[];
  answer: { field: string; value: string; tells: string; breaks: boolean }[];
  request: 'get' | 'post' | 'connect';
  proxy_line: string;
  line_names_client: boolean;
  also?: PrivacyTest[];
}
export interface Taker {
  kind: string;
  name: string;
  class: string | null;
  connections: number;
  requests: number;
  tunnels: number;
  requests_per_second: number;
  refused: number;
  delayed: number;
  load: number;
  exempt: boolean;
}
export interface Takers {
  items: Taker[];
  truncated: boolean;
  table: { slots: number; held: number; forgotten: number; crowded: number };
}
