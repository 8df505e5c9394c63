#include "components/ingest/run.h"

#include <arrow/api.h>
#include <arrow/io/file.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "components/ingest/csv/options.h"
#include "components/ingest/csv/quarantine.h"
#include "components/ingest/files.h"
#include "components/ingest/parts/sink.h"
#include "components/ingest/parts/wishes.h"
#include "components/ingest/read_files.h"
#include "components/ingest/report.h"
#include "components/ingest/spans.h"
#include "components/ingest/table.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/protocol/span_uri.h"
#include "operator/protocol/table_uri.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

struct IngestOptions {
  TableOptions table;
  double sample = 1;
  DownloadLimits limits;
};

// "1%" or "12.5%" -> 0.01, 0.125.
double ParsePercent(const std::string& text, sdk::Parameters& p) {
  double value = 0;
  const char* end = text.data() + text.size() - (text.empty() ? 0 : 1);
  const auto r = std::from_chars(text.data(), end, value);
  if (text.empty() || *end != '%' || r.ec != std::errc() || r.ptr != end || !(value > 0) ||
      value > 100) {
    p.Fail("sample: must be a percentage above 0% and up to 100%, such as \"1%\"");
    return 1;
  }
  return value / 100;
}

std::optional<Format> ReadFormat(sdk::Parameters& p) {
  const auto name = p.OneOf("format", "auto", {"auto", "csv", "jsonl", "parquet", "arrow"});
  if (name == "csv") return Format::kCsv;
  if (name == "jsonl") return Format::kJsonl;
  if (name == "parquet") return Format::kParquet;
  if (name == "arrow") return Format::kArrowFile;
  return std::nullopt;
}

// Types that are wrong are ReadCsvOptions' to say.
void ReadWishes(sdk::Parameters& p, Wishes& wishes) {
  wishes.columns = p.Strings("columns");
  const Json types = p.Object("types");
  for (const auto& [name, type] : types.items()) {
    if (type.is_string()) wishes.types[name] = type.get<std::string>();
  }
  wishes.roles = ReadRoles(p);
}

std::string SourceOf(const sdk::Step& step, const std::string& input) {
  const sdk::StepInput& given = step.inputs().at(input);
  return given.path.empty() ? given.uri : given.path;
}

// With a schema nothing is seen from the data.
Result<void> ReadGivenSchema(const sdk::Step& step, const fs::path& scratch, IngestOptions& o) {
  if (!step.HasInput("schema")) return {};
  PENSTOCK_ASSIGN(const auto file, FetchSource(SourceOf(step, "schema"), scratch, o.limits));
  PENSTOCK_ASSIGN(o.table.wishes.schema, sdk::LoadSchema(file.path().string()));
  if (!o.table.wishes.types.empty()) {
    return Invalid("parameter types and input schema both say what the columns are; give one");
  }
  for (const auto& column : o.table.wishes.schema->columns) {
    const auto& chosen = o.table.wishes.columns;
    const bool wanted =
        chosen.empty() || std::find(chosen.begin(), chosen.end(), column.name) != chosen.end();
    if (!wanted) continue;
    PENSTOCK_ASSIGN(const auto type, sdk::ParseTypeText(column.type));
    TellType(column.name, type, o.table.csv);
    if (column.type == "string") o.table.reading.texts.insert(column.name);
  }
  return {};
}

Result<IngestOptions> ReadOptions(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  IngestOptions o;
  o.table.reading.format = ReadFormat(p);
  o.table.csv = ReadCsvOptions(p);
  ReadWishes(p, o.table.wishes);
  o.sample = ParsePercent(p.String("sample", "100%"), p);
  o.limits.max_bytes =
      std::uint64_t(p.Integer("maxBytes", std::int64_t(o.limits.max_bytes), 1, 1LL << 50));
  PENSTOCK_TRY(p.Finish());
  o.table.reading.max_bytes = o.limits.max_bytes;
  o.table.reading.encoding = o.table.csv.dialect.encoding;
  for (const auto& [name, type] : o.table.wishes.types) {
    if (type == "string") o.table.reading.texts.insert(name);
  }
  return o;
}

Result<std::string> DigestOf(const fs::path& path) {
  PENSTOCK_ASSIGN(const auto file,
                  sdk::FromArrow(arrow::io::ReadableFile::Open(path.string()), path.string()));
  Sha256 sha;
  for (;;) {
    PENSTOCK_ASSIGN(const auto chunk, sdk::FromArrow(file->Read(1 << 20), path.string()));
    if (chunk->size() == 0) break;
    sha.Update(chunk->data(), std::size_t(chunk->size()));
  }
  return "sha256:" + sha.HexDigest();
}

// The launcher keeps what the step saw of its source, by which the operator caches it.
Result<void> KeepFingerprint(const std::string& fingerprint) {
  const char* folder = std::getenv("PENSTOCK_FINGERPRINTS");
  if (folder == nullptr || fingerprint.empty()) return {};
  return WriteFileAtomically(fs::path(folder) / "source", fingerprint);
}

Result<void> WriteFingerprint(const LocalFile& source) {
  if (std::getenv("PENSTOCK_FINGERPRINTS") == nullptr) return {};
  if (source.downloaded()) return KeepFingerprint(source.fingerprint());
  if (!fs::is_regular_file(source.path())) return {};
  PENSTOCK_ASSIGN(const std::string digest, DigestOf(source.path()));
  return KeepFingerprint(digest);
}

Result<Told> ReadFetched(const std::string& source, const LocalFile& file,
                         const IngestOptions& options, const Places& places, const sdk::Step& step,
                         Sink& sink) {
  const std::string state = StateOf(file.path());
  const auto files = ListFiles(file.path(), options.table.reading);
  if (!files) return Wrap(ShownUri(source), files.error());
  auto read = ReadFilesInto(*files, options.table, places, step, sink);
  if (read) read = WriteFingerprint(file);
  // It is read twice, and a third time for its digest: what is written between is of two contents.
  if (StateOf(file.path()) != state) {
    return Transient(ShownUri(source) +
                     ": somebody wrote it while it was read; run this again "
                     "when it is whole");
  }
  if (!read) return Wrap(ShownUri(source), read.error());
  return TellFiles(ShownUri(source), *files);
}

Result<Told> IngestFiles(const std::string& source, const IngestOptions& options,
                         const Places& places, const sdk::Step& step, Sink& sink) {
  PENSTOCK_ASSIGN(const auto file, FetchSource(source, places.scratch, options.limits));
  return ReadFetched(source, file, options, places, step, sink);
}

Result<Told> IngestSpans(const std::string& source, const IngestOptions& options,
                         const Places& places, const sdk::Step& step, Sink& sink) {
  PENSTOCK_ASSIGN(const Json previous, PreviousSpans(step));
  PENSTOCK_ASSIGN(const auto fetched, FetchSpans(source, places.scratch, options.limits));
  PENSTOCK_ASSIGN(const Json record, RecordSpans(source, fetched.read, previous));
  PENSTOCK_ASSIGN(const SpanUri uri, ParseSpanUri(source));
  IngestOptions with_folders = options;
  with_folders.table.reading.folders = true;
  with_folders.table.column = ColumnOfSpans(uri, fetched.read);
  PENSTOCK_ASSIGN(auto told, ReadFetched(source, fetched.file, with_folders, places, step, sink));
  PENSTOCK_ASSIGN(told.more, TellSpans(record, step));
  told.more += ".";
  return told;
}

Result<Told> IngestTable(const std::string& source, const IngestOptions& options,
                         const Places& places, sdk::Step& step, Sink& sink) {
  if (options.table.reading.format && *options.table.reading.format != Format::kParquet)
    return Invalid("parameter format: the files of a table are Parquet; leave it out");
  const auto table =
      ReadTableInto(source, places.scratch, options.limits.max_bytes, options.table.wishes, sink);
  if (!table) return Wrap(ShownUri(source), table.error());
  PENSTOCK_TRY(KeepFingerprint(table->fingerprint));
  if (!table->not_cached.empty()) PENSTOCK_TRY(step.DoNotCache(table->not_cached));
  PENSTOCK_TRY(WriteNoCsvResults(step));
  std::printf("%s\n", table->told.c_str());
  return Told{.source = ShownUri(source),
              .format = table->format,
              .compression = "none",
              .parts = table->files.size(),
              .more = table->told + "."};
}

}  // namespace

Result<void> RunIngest(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  Places places;
  PENSTOCK_ASSIGN(places.quarantine, QuarantineFolder(step, options.table.csv));
  if (!step.HasInput("source")) return Invalid("input 'source' is missing");
  const std::string source = SourceOf(step, "source");
  places.scratch = ScratchFor(output);
  std::error_code error;
  fs::create_directories(places.scratch, error);
  if (error) return FromErrno(places.scratch.string(), error.value());
  PENSTOCK_TRY(ReadGivenSchema(step, places.scratch, options));
  Sink sink(output, options.sample);
  const bool spans = IsSpanUri(source);
  if (!spans) PENSTOCK_TRY(TellSpans(Json(), step));
  auto told = IsTableUri(source) ? IngestTable(source, options, places, step, sink)
              : spans            ? IngestSpans(source, options, places, step, sink)
                                 : IngestFiles(source, options, places, step, sink);
  if (!told) return told.error();
  PENSTOCK_TRY(sink.Finish());
  PENSTOCK_ASSIGN(const auto schema, GiveSchema(output, step));
  return WriteReport(*told, sink, schema, step);
}

}  // namespace penstock::ingest
