#include <arrow/api.h>

#include <map>
#include <unordered_map>

#include "components/ingest/parts/json_row.h"
#include "components/ingest/parts/part.h"
#include "components/sdk/arrow_result.h"
#include "components/sdk/dataset.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using Kind = JsonValue::Kind;
using sdk::FromArrow;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr std::size_t kMaxLine = 256U << 20;
constexpr std::size_t kMaxKeys = 100'000;
constexpr std::size_t kBatchBytes = 64U << 20;
constexpr std::int64_t kPieceOfLines = 1 << 20;
constexpr std::int64_t kExactDouble = 1LL << 53;

// The lines of a stream, without their ends; blank ones are left out.
class LineReader {
 public:
  explicit LineReader(std::shared_ptr<arrow::io::InputStream> stream)
      : stream_(std::move(stream)) {}

  // False at the end. `line` is valid until the next call.
  Result<bool> Next(std::string_view& line) {
    for (;;) {
      PENSTOCK_ASSIGN(const bool more, Take(line));
      if (!more) return false;
      ++number_;
      if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") != std::string_view::npos) return true;
    }
  }
  [[nodiscard]] std::int64_t number() const { return number_; }  // of the last line, from 1

 private:
  Result<bool> Take(std::string_view& line) {
    std::size_t searched = at_;
    for (;;) {
      const auto end = buffer_.find('\n', searched);
      if (end != std::string::npos || ended_) {
        const auto stop = std::min(end, buffer_.size());
        line = std::string_view(buffer_).substr(at_, stop - at_);
        const bool something = end != std::string::npos || stop > at_;
        at_ = std::min(stop + 1, buffer_.size());
        return something;
      }
      searched = buffer_.size() - at_;
      buffer_.erase(0, at_);
      at_ = 0;
      if (buffer_.size() > kMaxLine) {
        return Invalid("line " + std::to_string(number_ + 1) + " is longer than 256 MiB");
      }
      PENSTOCK_ASSIGN(const auto piece, FromArrow(stream_->Read(kPieceOfLines), "JSON Lines"));
      ended_ = piece->size() == 0;
      buffer_.append(reinterpret_cast<const char*>(piece->data()), std::size_t(piece->size()));
    }
  }

  std::shared_ptr<arrow::io::InputStream> stream_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::int64_t number_ = 0;
};

// What the values of a column, or those within its lists, were so far.
class Seen {
 public:
  Result<void> Add(const JsonValue& value, std::int64_t line, const PlaceOfLine& place) {
    if (value.kind == Kind::kNull) return {};
    if (value.kind == Kind::kObject) {
      return Invalid("an object in " + place(line) +
                     ", and datasets have no nested columns: write its fields as columns of "
                     "their own, or leave it out with columns");
    }
    if (value.beyond) {
      return Invalid(value.text + " in " + place(line) +
                     " is beyond 64 bits; types: string keeps its digits");
    }
    const bool number = kind_ == Kind::kInteger || kind_ == Kind::kFloat;
    const bool also = value.kind == Kind::kInteger || value.kind == Kind::kFloat;
    if (line_ == 0) {
      kind_ = value.kind;
      line_ = line;
    } else if (number && also) {
      if (value.kind == Kind::kFloat) kind_ = Kind::kFloat;
    } else if (kind_ != value.kind) {
      return Invalid(std::string(Name(kind_)) + " in " + place(line_) + " and " + Name(value.kind) +
                     " in " + place(line) + "; types: string keeps both as they are written");
    }
    if (value.kind != Kind::kList) return {};
    if (within_ == nullptr) within_ = std::make_unique<Seen>();
    for (const auto& item : value.items) PENSTOCK_TRY(within_->Add(item, line, place));
    return {};
  }

  [[nodiscard]] TypePtr Type() const {
    switch (kind_) {
      case Kind::kBool:
        return arrow::boolean();
      case Kind::kInteger:
        return arrow::int64();
      case Kind::kFloat:
        return arrow::float64();
      case Kind::kText:
        return arrow::utf8();
      case Kind::kList:
        return arrow::list(within_->Type());
      default:
        return arrow::null();
    }
  }

 private:
  Kind kind_ = Kind::kNull;
  std::int64_t line_ = 0;  // where kind_ was first seen
  std::unique_ptr<Seen> within_;
};

arrow::Status Append(arrow::ArrayBuilder& builder, const JsonValue& value) {
  using arrow::Type;
  if (value.kind == Kind::kNull) return builder.AppendNull();
  switch (builder.type()->id()) {
    case Type::BOOL:
      return static_cast<arrow::BooleanBuilder&>(builder).Append(value.flag);
    case Type::INT64:
      return static_cast<arrow::Int64Builder&>(builder).Append(value.integer);
    case Type::DOUBLE: {
      if (value.kind == Kind::kFloat) {
        return static_cast<arrow::DoubleBuilder&>(builder).Append(value.number);
      }
      if (value.integer > kExactDouble || value.integer < -kExactDouble) {
        return arrow::Status::Invalid(value.text, " is an integer that a number with a fraction ",
                                      "cannot hold, and the column has fractions; types: string ",
                                      "keeps both as they are written");
      }
      return static_cast<arrow::DoubleBuilder&>(builder).Append(double(value.integer));
    }
    case Type::STRING:
      return static_cast<arrow::StringBuilder&>(builder).Append(value.text);
    case Type::LIST: {
      auto& list = static_cast<arrow::ListBuilder&>(builder);
      ARROW_RETURN_NOT_OK(list.Append());
      for (const auto& item : value.items) {
        ARROW_RETURN_NOT_OK(Append(*list.value_builder(), item));
      }
      return arrow::Status::OK();
    }
    default:
      return arrow::Status::Invalid("a value where none was");
  }
}

class JsonlPart : public Part {
 public:
  // `problems`: of columns that have no one type; an error where one is chosen.
  JsonlPart(OpenBytes open, std::shared_ptr<arrow::Schema> schema,
            std::map<std::string, std::string> problems, PlaceOfLine place)
      : open_(std::move(open)),
        schema_(std::move(schema)),
        problems_(std::move(problems)),
        place_(std::move(place)) {}

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<void> Choose(const std::vector<std::string>& columns) override {
    arrow::FieldVector fields;
    for (const auto& name : columns) {
      if (const auto problem = problems_.find(name); problem != problems_.end()) {
        return Invalid("column '" + plan::Shown(name, 80) + "': " + problem->second);
      }
      places_.emplace(name, fields.size());
      fields.push_back(schema_->GetFieldByName(name));
    }
    chosen_ = arrow::schema(std::move(fields));
    PENSTOCK_ASSIGN(auto stream, open_());
    lines_ = std::make_unique<LineReader>(std::move(stream));
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    PENSTOCK_ASSIGN(const auto builder, FromArrow(arrow::RecordBatchBuilder::Make(
                                                      chosen_, arrow::default_memory_pool()),
                                                  "JSON Lines"));
    std::int64_t rows = 0;
    std::size_t bytes = 0;
    std::string_view line;
    while (rows < sdk::kBatchRows && bytes < kBatchBytes) {
      PENSTOCK_ASSIGN(const bool more, lines_->Next(line));
      if (!more) break;
      bytes += line.size();
      ++rows;
      if (auto ok = AppendRow(line, rows, *builder); !ok) {
        return Wrap(place_(lines_->number()), ok.error());
      }
    }
    if (rows == 0) return std::shared_ptr<arrow::RecordBatch>();
    arrow::ArrayVector columns;
    for (int i = 0; i < builder->num_fields(); ++i) {
      PENSTOCK_ASSIGN(auto column, FromArrow(builder->GetField(i)->Finish(), "JSON Lines"));
      columns.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(chosen_, rows, std::move(columns));
  }

 private:
  // `rows`: with this one.
  Result<void> AppendRow(std::string_view line, std::int64_t rows,
                         arrow::RecordBatchBuilder& builder) const {
    PENSTOCK_ASSIGN(const auto row, ParseJsonRow(line));
    for (const auto& [name, value] : row) {
      const auto place = places_.find(name);
      if (place == places_.end()) continue;
      PENSTOCK_TRY(FromArrow(Append(*builder.GetField(int(place->second)), value),
                             "column '" + plan::Shown(name, 80) + "'"));
    }
    for (int i = 0; i < builder.num_fields(); ++i) {
      if (builder.GetField(i)->length() == rows) continue;
      PENSTOCK_TRY(FromArrow(builder.GetField(i)->AppendNull(), "JSON Lines"));
    }
    return {};
  }

  OpenBytes open_;
  std::shared_ptr<arrow::Schema> schema_;
  std::map<std::string, std::string> problems_;
  PlaceOfLine place_;
  std::shared_ptr<arrow::Schema> chosen_;
  std::unordered_map<std::string, std::size_t> places_;
  std::unique_ptr<LineReader> lines_;
};

// The columns in the order of first sight.
class Inference {
 public:
  Inference(const std::set<std::string>& texts, const PlaceOfLine& place)
      : texts_(texts), place_(place) {}

  Result<void> Add(const JsonRow& row, std::int64_t line) {
    for (const auto& [name, value] : row) {
      const auto [at, added] = places_.emplace(name, columns_.size());
      if (added) columns_.push_back({name, {}, {}});
      if (columns_.size() > kMaxKeys) {
        return Invalid("more than 100000 keys in all; are they ids? Then write them as a column");
      }
      Column& column = columns_[at->second];
      // What does not fit is an error only where the column is wanted.
      if (!column.problem.empty()) continue;
      const bool nested = value.kind == Kind::kList || value.kind == Kind::kObject;
      if (!texts_.contains(name)) {
        if (auto ok = column.seen.Add(value, line, place_); !ok)
          column.problem = ok.error().message;
      } else if (nested) {
        column.problem = std::string(Name(value.kind)) + " in " + place_(line) + " is no text";
      }
    }
    return {};
  }

  Result<std::shared_ptr<arrow::Schema>> Finish(std::map<std::string, std::string>& problems) {
    arrow::FieldVector fields;
    for (auto& column : columns_) {
      const bool text = texts_.contains(column.name);
      if (!column.problem.empty()) problems[column.name] = column.problem;
      fields.push_back(arrow::field(column.name, text ? arrow::utf8() : column.seen.Type()));
    }
    return arrow::schema(std::move(fields));
  }

 private:
  struct Column {
    std::string name;
    Seen seen;
    std::string problem;
  };
  const std::set<std::string>& texts_;
  const PlaceOfLine& place_;
  std::vector<Column> columns_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace

Result<std::unique_ptr<Part>> OpenJsonl(OpenBytes open, const std::set<std::string>& texts,
                                        PlaceOfLine place) {
  if (!place) place = [](std::int64_t line) { return "line " + std::to_string(line); };
  PENSTOCK_ASSIGN(auto stream, open());
  LineReader lines(std::move(stream));
  Inference inference(texts, place);
  std::string_view line;
  for (;;) {
    PENSTOCK_ASSIGN(const bool more, lines.Next(line));
    if (!more) break;
    const auto row = ParseJsonRow(line);
    if (!row) return Wrap(place(lines.number()), row.error());
    if (auto ok = inference.Add(*row, lines.number()); !ok)
      return Wrap(place(lines.number()), ok.error());
  }
  std::map<std::string, std::string> problems;
  PENSTOCK_ASSIGN(auto schema, inference.Finish(problems));
  if (schema->num_fields() == 0) return Invalid("no line has a key, so there is no column");
  return std::unique_ptr<Part>(std::make_unique<JsonlPart>(std::move(open), std::move(schema),
                                                           std::move(problems), std::move(place)));
}

}  // namespace penstock::ingest
