#include "components/serve/protocol/content_type.h"

#include <limits>
#include <utility>
#include <vector>

#include "operator/base/base64.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

std::string Said(std::string_view type) {
  return "parameter 'content_type' is '" + std::string(type.substr(0, 32)) + "', ";
}

std::string Element(std::size_t i, const std::string& what) {
  return "element " + std::to_string(i) + " " + what;
}

bool IsNull(const InputTensor& input, std::size_t i) {
  return !input.nulls.empty() && input.nulls[i] != 0;
}

Complaint DecodeTexts(InputTensor* input, std::deque<std::string>* decoded) {
  auto& texts = std::get<std::vector<std::string_view>>(input->data);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (IsNull(*input, i)) continue;
    auto bytes = DecodeAnyBase64(texts[i]);
    if (!bytes) return Said("base64") + "and " + Element(i, "is no base64");
    texts[i] = decoded->emplace_back(std::move(*bytes));
  }
  return std::nullopt;
}

// The elements of a column that pandas holds as objects: each is JSON of itself, all of one kind.
class JsonColumn {
 public:
  explicit JsonColumn(std::deque<std::string>* decoded) : decoded_(decoded) {}

  Complaint Add(std::string_view text, bool null) {
    numbers_.push_back(std::numeric_limits<double>::quiet_NaN());
    integers_.push_back(0);
    truths_.push_back(0);
    texts_.emplace_back();
    nulls_.push_back(null ? 1 : 0);
    if (null) return std::nullopt;
    if (text == "NaN") return Null();  // Python writes them so
    if (text == "Infinity" || text == "-Infinity") {
      numbers_.back() = std::numeric_limits<double>::infinity() * (text.front() == '-' ? -1 : 1);
      whole_ = false;
      return Take(kNumber);
    }
    const auto parsed = ParseJson(text, "element");
    if (!parsed) return "is no JSON";
    const Json& json = *parsed;
    if (json.is_null()) return Null();
    if (json.is_string()) {
      texts_.back() = decoded_->emplace_back(json.get<std::string>());
      return Take(kText);
    }
    if (json.is_boolean()) {
      truths_.back() = json.get<bool>() ? 1 : 0;
      return Take(kTruth);
    }
    if (json.is_number()) return Number(json, text);
    return "is neither a text, nor a number, nor a boolean";
  }

  void Finish(InputTensor* input) {
    input->nulls = std::move(nulls_);
    input->datatype = Datatype::kFp64;  // of nulls only, too: that fits every column
    if (kind_ == kText) {
      input->datatype = Datatype::kBytes;
      input->data = std::move(texts_);
    } else if (kind_ == kTruth) {
      input->datatype = Datatype::kBool;
      input->data = std::move(truths_);
    } else if (kind_ == kNumber && whole_) {
      input->datatype = Datatype::kInt64;
      input->data = std::move(integers_);
    } else {
      input->data = std::move(numbers_);
    }
  }

 private:
  enum Kind { kNone, kText, kTruth, kNumber };

  Complaint Null() {
    nulls_.back() = 1;
    return std::nullopt;
  }

  Complaint Take(Kind kind) {
    if (kind_ != kNone && kind_ != kind) return "is of another kind than those before it";
    kind_ = kind;
    return std::nullopt;
  }

  Complaint Number(const Json& json, std::string_view text) {
    numbers_.back() = json.get<double>();
    if (json.is_number_integer() && !json.is_number_unsigned())
      integers_.back() = json.get<std::int64_t>();
    if (json.is_number_unsigned()) {
      const auto value = json.get<std::uint64_t>();
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return kAboveInt64;
      integers_.back() = static_cast<std::int64_t>(value);
    }
    if (json.is_number_float()) whole_ = false;
    if (!SaysItsDigits(numbers_.back(), text)) rounded_ = true;
    if (rounded_ && !whole_) return "is, or one before it, a whole number that FP64 would round";
    return Take(kNumber);
  }

  std::deque<std::string>* const decoded_;
  Kind kind_ = kNone;
  bool whole_ = true;     // all numbers so far
  bool rounded_ = false;  // one of them has no double
  std::vector<double> numbers_;
  std::vector<std::int64_t> integers_;
  std::vector<std::uint8_t> truths_;
  std::vector<std::string_view> texts_;
  std::vector<std::uint8_t> nulls_;
};

Complaint ReadJsonColumn(InputTensor* input, std::deque<std::string>* decoded) {
  JsonColumn column(decoded);
  const auto& texts = std::get<std::vector<std::string_view>>(input->data);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (auto complaint = column.Add(texts[i], IsNull(*input, i)))
      return Said("pd_json") + "and " + Element(i, complaint->text);
  }
  column.Finish(input);
  return std::nullopt;
}

}  // namespace

Complaint CheckRequestContentType(std::string_view type) {
  if (type == "pd" || type == "np" || type == "str") return std::nullopt;
  return "is '" + std::string(type.substr(0, 32)) +
         "', and of a request only pd, np and str are known";
}

Complaint ApplyContentType(std::string_view type, InputTensor* input,
                           std::deque<std::string>* texts) {
  if (type == "np") return std::nullopt;
  if (type != "str" && type != "datetime" && type != "base64" && type != "pd_json")
    return Said(type) + "and of an input only np, str, base64, datetime and pd_json are known";
  if (input->datatype != Datatype::kBytes)
    return Said(type) + "which needs datatype BYTES, not " + Name(input->datatype);
  if (type == "base64") return DecodeTexts(input, texts);
  if (type == "pd_json") return ReadJsonColumn(input, texts);
  return std::nullopt;
}

}  // namespace penstock::serve
