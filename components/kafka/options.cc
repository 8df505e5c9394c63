#include "components/kafka/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "components/ingest/csv/options.h"
#include "components/ingest/parts/wishes.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/file.h"
#include "operator/base/nearest.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::kafka {
namespace {

constexpr std::chrono::hours kLongest{168};
constexpr std::uint64_t kMaxOffsetsBytes = 16 << 20;

// {"0": 12}: an offset by partition.
std::map<std::int32_t, std::int64_t> ReadOffsetMap(sdk::Parameters& p, const std::string& name) {
  std::map<std::int32_t, std::int64_t> out;
  const Json map = p.Object(name);
  for (const auto& [key, value] : map.items()) {
    std::int32_t partition = -1;
    const char* end = key.data() + key.size();
    const auto read = std::from_chars(key.data(), end, partition);
    const bool number = value.is_number_integer() && value.get<std::int64_t>() >= 0;
    if (read.ec != std::errc() || read.ptr != end || partition < 0 || !number) {
      p.Fail(name + ": must be offsets by partition, such as {\"0\": 12}");
      return out;
    }
    out[partition] = value.get<std::int64_t>();
  }
  return out;
}

std::optional<std::int64_t> ReadTimeOf(sdk::Parameters& p, const std::string& name) {
  const std::string text = p.String(name, "");
  if (text.empty()) return std::nullopt;
  const auto time = ParseTime(text);
  if (time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time->time_since_epoch()).count();
  }
  p.Fail(name + ": must be a time such as 2026-01-31T00:00:00Z");
  return std::nullopt;
}

void ReadWanted(sdk::Parameters& p, Asked& asked) {
  for (const auto partition : p.Integers("partitions", {}, 0, INT32_MAX))
    asked.wanted.partitions.push_back(std::int32_t(partition));
  asked.wanted.from = ReadOffsetMap(p, "from");
  asked.wanted.to = ReadOffsetMap(p, "to");
  asked.wanted.from_time = ReadTimeOf(p, "fromTime");
  asked.wanted.to_time = ReadTimeOf(p, "toTime");
  asked.wanted.skip_lost = p.OneOf("onLost", "Fail", {"Fail", "Skip"}) == "Skip";
  asked.topic.skip_lost = asked.wanted.skip_lost;
  asked.topic.committed = p.OneOf("isolation", "read_committed",
                                  {"read_committed", "read_uncommitted"}) == "read_committed";
}

void ReadForm(sdk::Parameters& p, Asked& asked) {
  const auto form = p.OneOf("format", "jsonl", {"jsonl", "csv", "text"});
  asked.intake.form = form == "csv" ? Form::kCsv : form == "text" ? Form::kText : Form::kJsonl;
  asked.rows.names = p.Strings("names");
  const std::string delimiter = p.String("delimiter", ",");
  const std::string character = delimiter == "\\t" ? "\t" : delimiter;
  if (character.size() != 1 || std::string("\"\r\n\0", 4).find(character) != std::string::npos ||
      static_cast<unsigned char>(character[0]) >= 0x80 ||
      std::isdigit(static_cast<unsigned char>(character[0])) != 0) {
    p.Fail("delimiter: must be one character that is no digit and no quote (\\t for a tab)");
  } else {
    asked.rows.delimiter = character[0];
  }
  asked.rows.csv.null_values = p.Strings(
      "nullValues", {"", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None"});
  const bool csv = form == "csv";
  if (csv == asked.rows.names.empty())
    p.Fail(csv ? "names: must name the values of a CSV's record, from the first to the last"
               : "names: is of format: csv alone");
  std::set<std::string> seen{"kafka_partition", "kafka_offset"};
  for (const auto& name : asked.rows.names) {
    if (name.empty() || !seen.insert(name).second)
      p.Fail("names: '" + name + "' is empty, stands twice, or is kafka_partition or kafka_offset");
  }
}

void ReadMetadata(sdk::Parameters& p, Asked& asked) {
  const auto& known = MetadataNames();
  for (const auto& name : p.Strings("metadata")) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return p.Fail("metadata: '" + name + "' is none of key, keyBytes, partition, offset, " +
                    "timestamp" + DidYouMean(name, known));
    }
    const Metadata column = MetadataOf(name);
    const auto& chosen = asked.rows.metadata;
    const bool key = column == Metadata::kKey || column == Metadata::kKeyBytes;
    if (std::find(chosen.begin(), chosen.end(), column) != chosen.end() ||
        (key && asked.intake.keys != KeyForm::kNone)) {
      return p.Fail("metadata: '" + name + "' stands twice, or beside key");
    }
    if (key) asked.intake.keys = column == Metadata::kKey ? KeyForm::kText : KeyForm::kBytes;
    asked.rows.metadata.push_back(column);
  }
}

void ReadWishes(sdk::Parameters& p, Asked& asked) {
  asked.rows.wishes.columns = p.Strings("columns");
  const Json types = p.Object("types");
  for (const auto& [name, value] : types.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const auto type = sdk::ParseTypeText(text);
    if (!type) return p.Fail("types." + name + ": " + type.error().message);
    asked.rows.wishes.types[name] = text;
  }
  asked.rows.wishes.roles = ingest::ReadRoles(p);
}

void ReadLimits(sdk::Parameters& p, Asked& asked) {
  const auto timeout = ParseDuration(p.String("timeout", "1h"));
  if (!timeout || *timeout < std::chrono::seconds(1) || *timeout > kLongest)
    p.Fail("timeout: must be a duration from 1s to 168h, such as 30m");
  else
    asked.topic.timeout = *timeout;
  const auto patience = ParseDuration(p.String("patience", "1m"));
  if (!patience || *patience < std::chrono::seconds(1) || *patience > kLongest)
    p.Fail("patience: must be a duration from 1s to 168h, such as 2m");
  else
    asked.topic.patience = *patience;
  asked.intake.max_bytes = std::uint64_t(p.Integer("maxBytes", 100LL << 30, 1, 1LL << 50));
}

// What a column is to be, told by `types` or by a schema.
Result<void> TellTypes(Asked& asked) {
  const auto tell = [&](const std::string& name, const std::string& text) -> Result<void> {
    PENSTOCK_ASSIGN(const auto type, sdk::ParseTypeText(text));
    const auto& names = asked.rows.names;
    if (std::find(names.begin(), names.end(), name) != names.end())
      ingest::TellType(name, type, asked.rows.csv);
    if (text == "string") asked.rows.texts.insert(name);
    return {};
  };
  for (const auto& [name, text] : asked.rows.wishes.types) PENSTOCK_TRY(tell(name, text));
  const auto& schema = asked.rows.wishes.schema;
  if (!schema) return {};
  for (const auto& column : schema->columns) PENSTOCK_TRY(tell(column.name, column.type));
  return {};
}

Result<std::optional<ReadOffsets>> ReadOffsetsOf(const sdk::Step& step, const std::string& input) {
  if (!step.HasInput(input)) return std::optional<ReadOffsets>();
  PENSTOCK_ASSIGN(const auto path, step.InputPath(input));
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, kMaxOffsetsBytes));
  auto offsets = ParseReadOffsets(text);
  if (!offsets) return Wrap("input " + input, offsets.error());
  return std::optional<ReadOffsets>(*std::move(offsets));
}

}  // namespace

Result<Asked> ReadAsked(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  Asked asked;
  asked.topic.topic = p.RequiredString("topic");
  const std::string brokers = p.String("brokers", "");
  ReadWanted(p, asked);
  ReadForm(p, asked);
  ReadMetadata(p, asked);
  ReadWishes(p, asked);
  ReadLimits(p, asked);
  asked.quarantine = p.OneOf("onBadRow", "Fail", {"Fail", "Quarantine"}) == "Quarantine";
  PENSTOCK_TRY(p.Finish());
  PENSTOCK_ASSIGN(asked.wanted.since, ReadOffsetsOf(step, "since"));
  PENSTOCK_ASSIGN(asked.wanted.exactly, ReadOffsetsOf(step, "offsets"));
  PENSTOCK_TRY(CheckWanted(asked.wanted));
  PENSTOCK_ASSIGN(asked.topic.properties, MakeProperties(KafkaEnvironment(), brokers));
  if (step.HasInput("schema")) {
    if (!asked.rows.wishes.types.empty())
      return Invalid("parameter types and input schema both say what the columns are; give one");
    PENSTOCK_ASSIGN(const auto path, step.InputPath("schema"));
    PENSTOCK_ASSIGN(asked.rows.wishes.schema, sdk::LoadSchema(path));
  }
  PENSTOCK_TRY(TellTypes(asked));
  asked.rows.form = asked.intake.form;
  asked.intake.delimiter = asked.rows.delimiter;
  asked.intake.csv_columns = asked.rows.names.size();
  const auto& nulls = asked.rows.csv.null_values;
  asked.intake.empty_is_null = std::find(nulls.begin(), nulls.end(), "") != nulls.end();
  if (asked.quarantine && !step.HasOutput("quarantine"))
    return Invalid("parameter onBadRow: Quarantine needs the output quarantine");
  return asked;
}

}  // namespace penstock::kafka
