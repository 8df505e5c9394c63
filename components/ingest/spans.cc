#include "components/ingest/spans.h"

#include <arrow/type.h>

#include <cstdio>
#include <map>

#include "operator/base/file.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/protocol/span_uri.h"

namespace penstock::ingest {
namespace {

constexpr std::uint64_t kMaxRecord = 256ULL << 20;  // 100,000 files with the longest keys
constexpr std::size_t kMostTold = 100;              // files, a line each

// What two windows must have in common to be compared.
std::string PatternOf(const std::string& uri) { return uri.substr(0, uri.find('?')); }

// The earlier record of one span.
struct Before {
  std::int64_t version = 0;  // 0: it had no file
  std::map<std::string, Json> files;
};

Error NoRecord(const std::string& why) {
  return Invalid("input previous: is no output spans of an earlier run: " + why);
}

Result<std::map<std::string, Before>> ReadSpansOf(const Json& previous) {
  std::map<std::string, Before> out;
  const Json& spans = Member(previous, "spans");
  const Json& gaps = Member(previous, "gaps");
  if (!spans.is_array() || !gaps.is_array()) return NoRecord("it has no spans or no gaps");
  for (const Json& gap : gaps) {
    if (!gap.is_string()) return NoRecord("a gap is no text");
    out[gap.get<std::string>()];
  }
  const Json& gone = Member(previous, "gone");  // of older records absent
  for (const Json& span : gone.is_array() ? gone : Json::array()) {
    const Json& version = Member(span, "version");
    if (!version.is_number_integer()) return NoRecord("a span of gone without a version");
    out[TextAt(span, "span")].version = version.get<std::int64_t>();
  }
  for (const Json& span : spans) {
    const Json& version = Member(span, "version");
    const Json& files = Member(span, "files");
    const std::string name = TextAt(span, "span");
    if (name.empty() || !version.is_number_integer() || !files.is_array())
      return NoRecord("a span without span, version or files");
    Before& before = out[name];
    before.version = version.get<std::int64_t>();
    for (const Json& file : files) before.files[TextAt(file, "key")] = file;
  }
  return out;
}

Result<void> CheckSame(const Json& record, const Json& previous) {
  if (TextAt(previous, "source").empty() || Member(previous, "version") != Json(1))
    return NoRecord("it has no source, or is of another version than 1");
  for (const char* word : {"source", "zone"}) {
    const std::string now = TextAt(record, word), then = TextAt(previous, word);
    if (now == then) continue;
    return Invalid("input previous: its " + std::string(word) + " is " + plan::Shown(then, 200) +
                   ", and that of this run is " + plan::Shown(now, 200) +
                   ": what is late cannot be told; leave it out once");
  }
  return {};
}

Json FileJson(const fetch::SourceObject& object) {
  return {{"key", object.key}, {"size", object.size}, {"etag", object.etag}};
}

// What of a span's files is otherwise than before.
void Compare(const std::string& span, const Json& files, const Before& before, Json& late) {
  auto left = before.files;
  const auto add = [&](const std::string& key, const char* what) {
    late.push_back({{"span", span}, {"key", key}, {"what", what}});
  };
  for (const Json& file : files) {
    const std::string key = TextAt(file, "key");
    const auto known = left.find(key);
    if (known == left.end()) {
      add(key, "new");
      continue;
    }
    if (known->second != file) add(key, "changed");
    left.erase(known);
  }
  for (const auto& entry : left) add(entry.first, "gone");
}

std::string NamesOf(const Json& names) {
  std::string out;
  for (const Json& name : names) {
    if (out.size() > 300) return out + ", ...";
    out += (out.empty() ? "" : ", ") + name.get<std::string>();
  }
  return out;
}

}  // namespace

Result<Json> RecordSpans(const std::string& uri, const fetch::ReadSpans& read,
                         const Json& previous) {
  PENSTOCK_ASSIGN(const auto parsed, ParseSpanUri(uri));
  Json record = {{"version", 1},
                 {"source", PatternOf(uri)},
                 {"zone", parsed.zone},
                 {"from", read.spans.front().name},
                 {"to", read.spans.back().name},
                 {"gaps", Json::array()},
                 {"gone", Json::array()},
                 {"spans", Json::array()},
                 {"late", Json::array()}};
  std::map<std::string, Before> known;
  if (!previous.is_null()) {
    PENSTOCK_TRY(CheckSame(record, previous));
    PENSTOCK_ASSIGN(known, ReadSpansOf(previous));
  }
  for (const auto& span : read.spans) {
    Json files = Json::array();
    for (const auto& object : span.objects) files.push_back(FileJson(object));
    const auto before = known.find(span.name);
    const std::size_t late = record["late"].size();
    std::int64_t version = 1;
    if (before != known.end()) {
      Compare(span.name, files, before->second, record["late"]);
      version = before->second.version + (record["late"].size() > late ? 1 : 0);
    }
    if (files.empty()) {
      record["gaps"].push_back(span.name);
      if (before != known.end() && before->second.version > 0)
        record["gone"].push_back({{"span", span.name}, {"version", version}});
      continue;
    }
    record["spans"].push_back(
        {{"span", span.name}, {"version", version}, {"files", std::move(files)}});
  }
  return record;
}

std::optional<FileColumn> ColumnOfSpans(const SpanUri& uri, const fetch::ReadSpans& read) {
  if (uri.column.empty()) return std::nullopt;
  const auto type = uri.hourly ? arrow::timestamp(arrow::TimeUnit::MICRO, "UTC") : arrow::date32();
  FileColumn column{arrow::field(uri.column, type), {}};
  const std::size_t folder = CommonFolder(uri).size();
  for (const auto& span : read.spans) {
    for (const auto& object : span.objects) {
      const auto begins = SpanOfKey(uri, object.key);
      const auto instant =
          std::chrono::duration_cast<std::chrono::microseconds>(span.begin.time_since_epoch());
      const auto day = std::chrono::floor<std::chrono::days>(begins.value_or(SpanTime()));
      column.values[object.key.substr(folder)] =
          uri.hourly ? instant.count() : std::int64_t(day.time_since_epoch().count());
    }
  }
  return column;
}

Result<Json> PreviousSpans(const sdk::Step& step) {
  if (!step.HasInput("previous")) return Json();
  PENSTOCK_ASSIGN(const auto path, step.InputPath("previous"));
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, kMaxRecord));
  auto record = ParseJson(text, "input previous");
  if (!record) return NoRecord(record.error().message);
  if (!record->is_object()) return NoRecord("it is no object");
  return record;
}

Result<std::string> TellSpans(const Json& record, const sdk::Step& step) {
  if (record.is_null()) {
    if (step.HasInput("previous"))
      return Invalid(
          "input previous: is of spans of time, and the source has none: "
          "s3://lake/orders/{YYYY}/{MM}/{DD}/?window=7d has");
    for (const char* name : {"spans", "gaps", "late"}) PENSTOCK_TRY(step.WriteResult(name, 0));
    return std::string();
  }
  const Json& late = record.at("late");
  const Json& gaps = record.at("gaps");
  PENSTOCK_TRY(step.WriteResult("spans", record.at("spans").size()));
  PENSTOCK_TRY(step.WriteResult("gaps", gaps.size()));
  PENSTOCK_TRY(step.WriteResult("late", late.size()));
  std::string told = std::to_string(record.at("spans").size()) + " spans, " +
                     TextAt(record, "from") + " to " + TextAt(record, "to") + " (" +
                     TextAt(record, "zone") + ")";
  if (!gaps.empty()) told += "; nothing of " + NamesOf(gaps);
  Json keys = Json::array();
  for (const Json& file : late) {
    const std::string line = TextAt(file, "key") + " (" + TextAt(file, "what") + ")";
    if (keys.size() < kMostTold)
      std::printf("late: %s of %s\n", plan::Shown(line, 1100).c_str(),
                  TextAt(file, "span").c_str());
    keys.push_back(line);
  }
  if (keys.size() > kMostTold)
    std::printf("late: %zu more, which the output spans names\n", keys.size() - kMostTold);
  if (!late.empty())
    told += "; otherwise than in the earlier run: " + std::to_string(late.size()) + " files, " +
            NamesOf(keys);
  std::printf("%s\n", told.c_str());
  if (!step.HasOutput("spans")) return told;
  PENSTOCK_ASSIGN(const auto path, step.OutputPath("spans"));
  PENSTOCK_TRY(WriteFileAtomically(path, record.dump(1) + "\n"));
  return told;
}

}  // namespace penstock::ingest
