#include "components/ingest/parts/json_row.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"

namespace penstock::ingest {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kMaxDepth = 16;

// Whether the byte `position`, from 1, is within a word that Python and JavaScript write for what
// JSON has not: the parser stops at its second byte at most.
bool StandsForNoNumber(std::string_view line, std::size_t position) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(2, position); ++back) {
    const std::string_view rest = line.substr(std::min(position - back, line.size()));
    for (const std::string_view word : {"NaN", "nan", "Inf", "inf", "-Inf", "-inf", "-NaN", "-nan"})
      if (rest.starts_with(word)) return true;
  }
  return false;
}

// Builds a row from the parser's events: numbers come with their digits.
class RowReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit RowReader(std::string_view line) : line_(line) {}

  bool null() override { return Add({}); }
  bool boolean(bool value) override {
    return Add({.kind = Kind::kBool, .flag = value, .text = value ? "true" : "false", .items = {}});
  }
  bool number_integer(number_integer_t value) override {
    return Add(
        {.kind = Kind::kInteger, .integer = value, .text = std::to_string(value), .items = {}});
  }
  bool number_unsigned(number_unsigned_t value) override {
    const bool beyond = value > static_cast<number_unsigned_t>(INT64_MAX);
    return Add({.kind = Kind::kInteger,
                .integer = static_cast<std::int64_t>(value),
                .beyond = beyond,
                .number = static_cast<double>(value),
                .text = std::to_string(value),
                .items = {}});
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // What is beyond 64 bits comes as a float.
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    return Add({.kind = whole ? Kind::kInteger : Kind::kFloat,
                .beyond = whole,
                .number = value,
                .text = text,
                .items = {}});
  }
  bool string(string_t& value) override {
    return Add({.kind = Kind::kText, .text = std::move(value), .items = {}});
  }
  bool binary(binary_t&) override { return Fail("binary"); }

  bool start_object(std::size_t) override {
    if (!begun_) {
      begun_ = true;
      return true;
    }
    if (ignored_++ > 0) return ignored_ < kMaxDepth || Fail("is nested too deep");
    Add({.kind = Kind::kObject, .text = "{...}", .items = {}}, true);
    return true;
  }
  bool key(string_t& name) override {
    if (ignored_ > 0) return true;
    if (!names_.insert(name).second) return Fail("the key '" + name + "' stands twice");
    row_.emplace_back(std::move(name), JsonValue());
    return true;
  }
  bool end_object() override {
    if (ignored_ > 0) --ignored_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (ignored_ > 0) return ++ignored_ < kMaxDepth || Fail("is nested too deep");
    if (!begun_) return Fail("is a list, and each line must be an object");
    if (open_.size() == kMaxDepth) return Fail("is nested too deep");
    JsonValue* list = Place();
    list->kind = Kind::kList;
    list->text = "[...]";
    open_.push_back(list);
    return true;
  }
  bool end_array() override {
    if (ignored_ > 0) {
      --ignored_;
    } else {
      open_.pop_back();
    }
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& problem) override {
    constexpr int kNumberOverflow = 406;
    const std::string byte = "byte " + std::to_string(position) + ": ";
    if (problem.id == kNumberOverflow) {
      return Fail(byte + "a number beyond float64; write it as a text");
    }
    const bool word = StandsForNoNumber(line_, position);
    return Fail(byte + "this is no JSON" +
                (word ? ", which has no NaN and no Infinity; write null" : ""));
  }

  Result<JsonRow> Take(bool parsed) {
    if (!parsed) return Invalid(problem_);
    return std::move(row_);
  }

 private:
  JsonValue* Place() {
    if (open_.empty()) return &row_.back().second;
    open_.back()->items.emplace_back();
    return &open_.back()->items.back();
  }
  bool Add(JsonValue value, bool opens = false) {
    if (!begun_)
      return Fail("is " + std::string(Name(value.kind)) + ", and each line must be an object");
    if (ignored_ > (opens ? 1U : 0U)) return true;
    *Place() = std::move(value);
    return true;
  }
  bool Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  std::string_view line_;
  JsonRow row_;
  std::set<std::string> names_;
  std::vector<JsonValue*> open_;  // lists; the innermost last
  std::size_t ignored_ = 0;       // levels within an object that is within
  bool begun_ = false;
  std::string problem_;
};

}  // namespace

const char* Name(Kind kind) {
  constexpr const char* kNames[] = {"null",   "a boolean", "an integer", "a number with a fraction",
                                    "a text", "a list",    "an object"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<JsonRow> ParseJsonRow(std::string_view line) {
  if (!IsUtf8(line)) return Invalid("this is no UTF-8; set the parameter encoding");
  if (const std::size_t zero = line.find('\0'); zero != std::string_view::npos)
    return Invalid("byte " + std::to_string(zero + 1) + ": is zero, and this is no JSON");
  RowReader reader(line);
  const bool parsed = nlohmann::json::sax_parse(line.begin(), line.end(), &reader);
  return reader.Take(parsed);
}

}  // namespace penstock::ingest
