#include "components/ingest/run.h"

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/io/file.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "components/ingest/csv.h"
#include "components/ingest/source.h"
#include "components/ingest/stream.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

struct IngestOptions {
  std::string format;
  std::string encoding;
  CsvOptions csv;
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

void ReadCsvOptions(sdk::Parameters& p, CsvOptions& csv) {
  const std::string delimiter = p.String("delimiter", ",");
  if (delimiter.size() != 1 && delimiter != "\\t") p.Fail("delimiter: must be one character");
  csv.delimiter = delimiter == "\\t" ? '\t' : delimiter.front();
  csv.header = p.Boolean("header", true);
  csv.null_values = p.Strings(
      "nullValues", {"", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None"});
  csv.columns = p.Strings("columns");
  const Json types = p.Object("types");
  for (const auto& [name, value] : types.items()) {
    const auto type =
        value.is_string() ? sdk::ParseColumnType(value.get<std::string>()) : std::nullopt;
    if (!type)
      return p.Fail("types." + name + ": must be string, int64, float64, bool or timestamp");
    csv.types[name] = *type;
  }
}

Result<IngestOptions> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  IngestOptions o;
  o.format = p.OneOf("format", "auto", {"auto", "csv", "parquet"});
  o.encoding = p.String("encoding", "utf-8");
  ReadCsvOptions(p, o.csv);
  o.sample = ParsePercent(p.String("sample", "100%"), p);
  o.limits.max_bytes =
      std::uint64_t(p.Integer("maxBytes", std::int64_t(o.limits.max_bytes), 1, 1LL << 50));
  PENSTOCK_TRY(p.Finish());
  return o;
}

// The dataset's writer with the sample in front of it.
class Sink {
 public:
  Sink(std::string folder, double sample) : folder_(std::move(folder)), sample_(sample) {}

  // Starts over: what was written before is dropped.
  Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema) {
    writer_.reset();
    std::error_code error;
    fs::remove_all(folder_, error);
    if (error) return FromErrno(folder_, error.value());
    PENSTOCK_ASSIGN(writer_, sdk::DatasetWriter::Create(folder_, schema));
    columns_ = schema->num_fields();
    return {};
  }

  Result<void> Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
    if (sample_ >= 1) return writer_->Write(batch);
    PENSTOCK_ASSIGN(const auto canonical, sdk::Canonical(batch));
    PENSTOCK_ASSIGN(const auto hashes,
                    sdk::HashRows(*canonical, canonical->schema()->field_names(), 0));
    arrow::BooleanBuilder mask;
    PENSTOCK_TRY(sdk::FromArrow(mask.Reserve(canonical->num_rows()), "sample"));
    for (const auto hash : hashes) mask.UnsafeAppend(sdk::UnitInterval(hash) < sample_);
    PENSTOCK_ASSIGN(const auto filter, sdk::FromArrow(mask.Finish(), "sample"));
    PENSTOCK_ASSIGN(const auto rows,
                    sdk::FromArrow(arrow::compute::Filter(canonical, filter), "sample"));
    return writer_->Write(rows.record_batch());
  }

  Result<void> Finish(const sdk::Step& step) {
    PENSTOCK_TRY(writer_->Finish());
    PENSTOCK_TRY(step.WriteResult("rows", writer_->rows()));
    return step.WriteResult("columns", columns_);
  }

 private:
  std::string folder_;
  double sample_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  int columns_ = 0;
};

Result<void> ReadParquet(const std::string& path, const IngestOptions& options, Sink& sink) {
  PENSTOCK_ASSIGN(auto reader, sdk::DatasetReader::Open(path, options.csv.columns));
  PENSTOCK_TRY(sink.Begin(reader->schema()));
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) return {};
    PENSTOCK_TRY(sink.Write(batch));
  }
}

Result<void> ReadFileInto(const fs::path& path, const IngestOptions& options, Sink& sink) {
  // A folder is a dataset of Parquet parts.
  const bool folder = fs::is_directory(path);
  bool parquet = folder || options.format == "parquet";
  if (options.format == "auto" && !folder) {
    PENSTOCK_ASSIGN(parquet, IsParquet(path));
  }
  if (parquet) return ReadParquet(path.string(), options, sink);
  const OpenStream open = [&] { return OpenText(path, options.encoding); };
  return ReadCsv(
      open, options.csv, [&](const auto& schema) { return sink.Begin(schema); },
      [&](const auto& batch) { return sink.Write(batch); });
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
Result<void> WriteFingerprint(const LocalFile& source) {
  const char* folder = std::getenv("PENSTOCK_FINGERPRINTS");
  if (folder == nullptr) return {};
  std::string fingerprint = source.fingerprint();
  if (!source.downloaded()) {
    if (!fs::is_regular_file(source.path())) return {};
    PENSTOCK_ASSIGN(fingerprint, DigestOf(source.path()));
  }
  if (fingerprint.empty()) return {};
  return WriteFileAtomically(fs::path(folder) / "source", fingerprint);
}

}  // namespace

Result<void> RunIngest(sdk::Step& step) {
  PENSTOCK_ASSIGN(const auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  const auto input = step.inputs().find("source");
  if (input == step.inputs().end()) return Invalid("input 'source' is missing");
  const std::string source = input->second.path.empty() ? input->second.uri : input->second.path;
  const char* temporary = std::getenv("TMPDIR");
  const fs::path scratch = temporary == nullptr ? fs::absolute(output).parent_path() : temporary;
  std::error_code error;
  fs::create_directories(scratch, error);
  if (error) return FromErrno(scratch.string(), error.value());
  PENSTOCK_ASSIGN(const auto file, FetchSource(source, scratch, options.limits));
  Sink sink(output, options.sample);
  if (auto ok = ReadFileInto(file.path(), options, sink); !ok) {
    return Wrap(source.substr(0, source.find('?')), ok.error());
  }
  PENSTOCK_TRY(WriteFingerprint(file));
  return sink.Finish(step);
}

}  // namespace penstock::ingest
