// What --help says below the options of each command: what needs saying, and examples.
// Thread safety: constants.
#pragma once

namespace tsdb::tools {

inline constexpr const char* kDescription =
    "tsdb - a time-series database engine\n\n"
    "Examples:\n"
    "  tsdb import --db metrics.db export.jsonl.zst\n"
    "  tsdb query --db metrics.db 'sum by (code)(rate(http_requests_total[5m]))'\n"
    "  tsdb query --from metrics.prom up\n";

inline constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 damage found, 130 interrupted.";

inline constexpr const char* kImportFooter =
    "The directory is made if its parent exists. Samples of a time that is stored already replace\n"
    "what was there. What was read before an error or Ctrl-C is kept.\n\n"
    "Examples:\n"
    "  tsdb import --db metrics.db export.jsonl.zst\n"
    "  curl -s localhost:9100/metrics | tsdb import --db metrics.db -\n"
    "  tsdb import --db metrics.db weather.csv --label-columns station --dry-run\n";

inline constexpr const char* kQueryFooter =
    "EXPR is PromQL. It is asked at --time, or at every --step from --start to --end, both\n"
    "included; --last D is the D before the newest sample asked about. Without any of these it is\n"
    "asked there.\n"
    "Times are seconds since the epoch, RFC 3339, or such as now, -1h, -7d.\n\n"
    "Examples:\n"
    "  tsdb query --db metrics.db 'sum by (mode)(rate(node_cpu_seconds_total[1m]))'\n"
    "  tsdb query --db metrics.db 'rate(http_requests_total[5m])' --last 1h --format chart\n"
    "  tsdb query --db metrics.db up --start 2026-11-21T03:00:00Z --end -1h --step 30s --format "
    "json\n"
    "  tsdb query --db metrics.db 'topk(5, node_load1)' --last 1d --format html -o load.html\n"
    "  curl -s localhost:9100/metrics | tsdb query --from - 'node_memory_MemFree_bytes / 2^20'\n";

inline constexpr const char* kShellFooter =
    "A prompt that completes names with Tab and keeps its history in ~/.local/state/tsdb/history.\n"
    "The database is opened once; .refresh reads what was written since, .help lists all "
    "commands.\n"
    "What is piped in is answered statement by statement, up to the first error.\n\n"
    "Examples:\n"
    "  tsdb shell --db metrics.db\n"
    "  tsdb shell --from metrics.prom other.jsonl.zst\n"
    "  tsdb shell --db metrics.db --format json < questions.promql\n";

inline constexpr const char* kSamplesFooter =
    "Prints samples as they are stored, staleness markers too. SELECTOR is PromQL's:\n"
    "name{a=\"x\",b!=\"y\",c=~\"regex\",d!~\"regex\"}; {} is everything. Times are seconds since "
    "the epoch,\n"
    "RFC 3339, or such as now, -1h, -7d; --end itself is not included.\n\n"
    "Examples:\n"
    "  tsdb samples --db metrics.db 'node_load1{instance=\"web-1\"}' --format json\n"
    "  tsdb samples --from a.jsonl.zst b.jsonl.zst up\n"
    "  tsdb samples --from day.om up --start 2026-11-21T03:00:00Z --every\n";

inline constexpr const char* kStatsFooter =
    "Reports what is stored, the bytes per sample, the encodings chosen and the ledger, which\n"
    "accounts for every sample. Files are read into memory. Of a database that another process\n"
    "writes it is what was there when this one opened it; tsdb watch shows what the writer "
    "says.\n\n"
    "Examples:\n"
    "  tsdb stats --db metrics.db\n"
    "  tsdb stats --db metrics.db --format prometheus | tsdb query --from - tsdb_memory_bytes\n"
    "  tsdb stats --from *.prom --on-error skip --format json\n";

inline constexpr const char* kWatchFooter =
    "Shows what the process that writes the database says of itself in its file STATS, once a "
    "second\n"
    "or every Options::stats_interval_ms: records a second, how many are not merged yet, how long\n"
    "threads were kept from appending, and by what, the ledger, memory, log, checkpoints, cache.\n"
    "Reads that file and nothing else. Ends when the writer closes the database, with its last\n"
    "figures; with exit code 1 when it is gone without.\n\n"
    "Examples:\n"
    "  tsdb watch --db metrics.db\n"
    "  tsdb watch --db metrics.db --interval 10s --format csv > rates.csv\n"
    "  tsdb watch --db metrics.db --count 1 --format jsonl\n";

inline constexpr const char* kAdviseFooter =
    "Goes by what the process that writes the database, or the last one that did, says of itself "
    "in\n"
    "its file STATS: refused records, time that threads were blocked, hits of the cache, sizes of\n"
    "checkpoints, memory; and by what is stored: labels with very many values, small segments.\n"
    "Most to gain comes first. Shares of the time are judged after ten seconds. Of files it says\n"
    "what their labels would do.\n\n"
    "Examples:\n"
    "  tsdb advise --db metrics.db\n"
    "  tsdb advise --db metrics.db --format json\n"
    "  tsdb advise --from export.jsonl.zst\n";

inline constexpr const char* kSeriesFooter =
    "A line a series, in order of labels. SELECTOR, --start and --end are as in tsdb samples;\n"
    "without the two, series without any sample are listed, too.\n\n"
    "Examples:\n"
    "  tsdb series --db metrics.db '{job=\"node\"}'\n"
    "  tsdb series --db metrics.db 'up' --start 2026-11-21 --format json\n";

inline constexpr const char* kLabelsFooter =
    "SELECTOR, --start and --end are as in tsdb samples; without the two, series without any "
    "sample\n"
    "count, too.\n\n"
    "Examples:\n"
    "  tsdb labels --db metrics.db\n"
    "  tsdb labels --db metrics.db 'node_cpu_seconds_total'\n";

inline constexpr const char* kValuesFooter =
    "SELECTOR, --start and --end are as in tsdb samples; without the two, series without any "
    "sample\n"
    "count, too. The values of __name__ are the metrics.\n\n"
    "Examples:\n"
    "  tsdb values --db metrics.db __name__ '{job=\"node\"}'\n"
    "  tsdb values --from a.jsonl.zst instance up\n";

inline constexpr const char* kTopFooter =
    "Lists the metrics that have the most series, the labels that have the most values, and the\n"
    "pairs of label and value that the most series have: what to look at when there are too many\n"
    "series. Series without any sample count, too.\n\n"
    "Examples:\n"
    "  tsdb top --db metrics.db\n"
    "  tsdb top --db metrics.db --limit 100 --format json\n";

inline constexpr const char* kInfoFooter =
    "Says on one screen what a directory is: format, who writes it, how much it holds of which\n"
    "time, what that takes on disk, what is in the log alone, and whether it is intact. Reads the\n"
    "log back; changes nothing. Exits with 3 if something is damaged.\n\n"
    "Examples:\n"
    "  tsdb info --db metrics.db\n"
    "  tsdb info --db metrics.db --format json | jq .data.samples\n";

inline constexpr const char* kListFooter =
    "A line a segment, out of the manifest and the segments' indexes; leaves are not read.\n"
    "ratio is by how much compression shortened the leaves, dead_share which part of the samples\n"
    "was deleted or replaced, as of the last checkpoint. Exits with 3 if a segment is damaged or\n"
    "missing.\n\n"
    "Examples:\n"
    "  tsdb list --db metrics.db --sort bytes\n"
    "  tsdb list --db metrics.db --format csv > segments.csv\n";

inline constexpr const char* kInspectFooter =
    "Decodes one file by itself and goes on behind damage where the format lets it. Exits with 3\n"
    "if something in it is not as it was written, naming offset and reason. --blocks looks into\n"
    "what batches and segments hold: runs, labels, deletions, dead leaves.\n\n"
    "Examples:\n"
    "  tsdb inspect wal metrics.db/log/0000000000000001.log --blocks --limit 0\n"
    "  tsdb inspect manifest metrics.db/manifest\n"
    "  tsdb inspect segment metrics.db/segments/0000000007.segment --format json\n";

inline constexpr const char* kVerifyFooter =
    "Opens the database as after a crash, checks its invariants, reads every sample of every\n"
    "series, and compares their number with the ledger. Exits with 3 if anything that was stored\n"
    "is damaged or missing, naming file and offset. Changes nothing; another process may be\n"
    "writing.\n\n"
    "Examples:\n"
    "  tsdb verify --db metrics.db\n";

inline constexpr const char* kExportFooter =
    "tsdb import reads every format back and has the same samples. SELECTOR, --start and --end "
    "are\n"
    "as in tsdb samples.\n\n"
    "Examples:\n"
    "  tsdb export --db metrics.db --format jsonl -o all.jsonl.zst\n"
    "  tsdb export --db metrics.db --format csv '{job=\"node\"}' --start 2026-11-21 | head\n";

inline constexpr const char* kDeleteFooter =
    "SELECTOR, --start and --end are as in tsdb samples; what tsdb samples prints is what is "
    "deleted.\n"
    "The space in files is freed by later checkpoints, or at once by tsdb compact. Labels stay.\n"
    "There is no undo: --dry-run says how much it would be, tsdb backup keeps a copy.\n\n"
    "Examples:\n"
    "  tsdb delete --db metrics.db 'up{job=\"old\"}' --dry-run\n"
    "  tsdb delete --db metrics.db 'up{job=\"old\"}'\n"
    "  tsdb delete --db metrics.db '{}' --end 2026-01-01 --all\n";

inline constexpr const char* kCompactFooter =
    "Writes segments that are small, or hold what was deleted or replaced, into new ones. Not\n"
    "needed in daily use: checkpoints do what is due.\n\n"
    "Examples:\n"
    "  tsdb compact --db metrics.db\n";

inline constexpr const char* kBackupFooter =
    "TARGET must not exist or be empty; it becomes a database like any other. On one file system\n"
    "segments are linked and take no space; a copy that shall survive the disk goes to another.\n\n"
    "Examples:\n"
    "  tsdb backup --db metrics.db /mnt/backup/metrics-2026-11-21.db\n"
    "  tsdb verify --db /mnt/backup/metrics-2026-11-21.db\n";

inline constexpr const char* kBenchFooter =
    "Without a name it lists them. Each checks what it measured by reading everything back.\n\n"
    "Examples:\n"
    "  tsdb bench ingest --writers 2 --repeat 3\n"
    "  tsdb bench query --help\n";

inline constexpr const char* kRepairFooter =
    "Keeps everything that is intact, drops what is damaged and says what that is: file, offset,\n"
    "and, where it is known, series and time. Segments that cannot be used as they are stay as\n"
    "segments/*.segment.damaged. Exits with 0 if the database is whole afterwards. Copy the\n"
    "directory before, or restore a backup instead, if what is lost matters.\n\n"
    "Examples:\n"
    "  cp -a metrics.db metrics.db.damaged && tsdb repair --db metrics.db\n";

inline constexpr const char* kCompletionFooter =
    "Prints a script that completes commands, options, their words, files, and, after --db, names\n"
    "of metrics and labels.\n\n"
    "Examples:\n"
    "  source <(tsdb completion bash)\n"
    "  tsdb completion bash > ~/.local/share/bash-completion/completions/tsdb\n"
    "  source <(tsdb completion zsh)\n"
    "  tsdb completion fish > ~/.config/fish/completions/tsdb.fish\n";

}  // namespace tsdb::tools
