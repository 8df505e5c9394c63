#include "components/serve/protocol/predict_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "operator/base/base64.h"

namespace penstock::serve {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

std::string ValueCollector::Element(const std::string& what) const {
  return "input '" + spec_->name + "': element " + std::to_string(count_) + " " + what;
}

Complaint ValueCollector::Add(dom::element value) { return Walk(value, 0); }

Complaint ValueCollector::Walk(dom::element value, std::size_t depth) {
  dom::array list;
  if (value.get_array().get(list) != SUCCESS) {
    // The first value too: an empty list may have come before it.
    if (leaf_depth_.value_or(shape_.size()) != depth)
      return Element("lies at another depth than others");
    leaf_depth_ = depth;
    return Leaf(value);
  }
  if (leaf_depth_ && depth >= *leaf_depth_) return Element("is a list where others are values");
  if (depth == kMaxRank) {
    return "input '" + spec_->name + "' has more than " + std::to_string(kMaxRank) + " dimensions";
  }
  const auto length = static_cast<std::int64_t>(list.size());
  if (depth == shape_.size()) {
    shape_.push_back(length);
  } else if (shape_[depth] != length) {
    return "input '" + spec_->name + "': a list of " + std::to_string(length) +
           " items, where others have " + std::to_string(shape_[depth]);
  }
  for (dom::element item : list) {
    if (auto complaint = Walk(item, depth + 1)) return complaint;
  }
  return std::nullopt;
}

Complaint ValueCollector::Leaf(dom::element value) {
  const bool null = value.is_null();
  if (null || !nulls_.empty()) {
    nulls_.resize(count_ + 1);
    nulls_.back() = null ? 1 : 0;
  }
  Complaint complaint;
  if (spec_->datatype == Datatype::kBytes) {
    views_.emplace_back();
    integers_.emplace_back();
    if (!null) complaint = Text(value);
  } else if (spec_->datatype == Datatype::kBool) {
    truths_.push_back(0);
    if (!null) complaint = Truth(value);
  } else if (null) {
    IsInteger(spec_->datatype) ? integers_.push_back(0) : numbers_.push_back(0);
  } else {
    complaint = Number(value);
  }
  ++count_;
  return complaint;
}

// A column takes 0 and 1 too, as it does of a tensor of numbers.
Complaint ValueCollector::Truth(dom::element value) {
  bool truth = false;
  double number = 2;
  if (value.get_bool().get(truth) != SUCCESS) {
    if (!spec_->is_column) return Element("is neither true nor false");
    if (value.get_double().get(number) != SUCCESS || (number != 0 && number != 1))
      return Element("is neither true nor false, nor 1 or 0");
    truth = number == 1;
  }
  truths_.back() = truth ? 1 : 0;
  return std::nullopt;
}

Complaint ValueCollector::Text(dom::element value) {
  dom::object object;
  if (value.get_string().get(views_.back()) == SUCCESS) {
    saw_text_ = true;
  } else if (value.get_object().get(object) == SUCCESS) {
    std::string_view encoded;
    if (object.size() != 1 || object["b64"].get_string().get(encoded) != SUCCESS)
      return Element("is an object, and not {\"b64\": text}");
    auto bytes = DecodeAnyBase64(encoded);
    if (!bytes) return Element("is no base64");
    texts_->push_back(*std::move(bytes));
    views_.back() = texts_->back();
    saw_text_ = true;
  } else if (spec_->is_column && value.get_int64().get(integers_.back()) == SUCCESS) {
    saw_integer_ = true;
  } else {
    return Element(spec_->is_time
                       ? std::string("is no time: RFC 3339 text, or an integer of ") + kTimeUnit
                       : "is not a string");
  }
  if (saw_text_ && saw_integer_) return Element("is of another kind than those before it");
  return std::nullopt;
}

Complaint ValueCollector::Number(dom::element value) {
  if (IsInteger(spec_->datatype)) return Integer(value);
  double number = 0;
  if (value.get_double().get(number) != SUCCESS) return Element("is not a number");
  std::int64_t integer = 0;
  std::uint64_t positive = 0;
  std::string digits;
  if (value.is_int64() && value.get_int64().get(integer) == SUCCESS)
    digits = std::to_string(integer);
  else if (value.is_uint64() && value.get_uint64().get(positive) == SUCCESS)
    digits = std::to_string(positive);
  const bool was_rounded = std::binary_search(rounded_->begin(), rounded_->end(), std::abs(number));
  if (was_rounded || !SaysItsDigits(number, digits))
    return Element("is a whole number that " + std::string(Name(spec_->datatype)) + " would round");
  if (spec_->datatype != Datatype::kFp64 && !spec_->is_column &&
      std::abs(number) > std::numeric_limits<float>::max())
    return Element("is out of the range of FP32");
  numbers_.push_back(number);
  return std::nullopt;
}

Complaint ValueCollector::Integer(dom::element value) {
  const std::string out = std::string("is out of the range of ") + Name(spec_->datatype);
  std::int64_t integer = 0;
  if (value.get_int64().get(integer) != SUCCESS) {
    double number = 0;
    if (value.is_uint64()) return Element(out);
    if (value.get_double().get(number) != SUCCESS) return Element("is not an integer");
    if (std::trunc(number) != number) return Element("is not integral");
    if (std::abs(number) >= 0x1p63) return Element(out);
    if (std::abs(number) >= 0x1p53) return Element(kWholeWithPoint);
    integer = static_cast<std::int64_t>(number);
  }
  const IntegerRange range = RangeOf(spec_->datatype);
  if (integer < range.min || integer > range.max) return Element(out);
  integers_.push_back(integer);
  return std::nullopt;
}

InputTensor ValueCollector::Finish(std::optional<std::int64_t> rows) {
  InputTensor input{spec_->name, spec_->datatype, {}, {}, {}};
  if (rows) input.shape.push_back(*rows);
  input.shape.insert(input.shape.end(), shape_.begin(), shape_.end());
  if (!nulls_.empty()) nulls_.resize(count_);
  input.nulls = std::move(nulls_);
  if (spec_->datatype == Datatype::kBytes && saw_integer_) input.datatype = Datatype::kInt64;
  if (IsInteger(input.datatype)) {
    input.data = std::move(integers_);
  } else if (input.datatype == Datatype::kBytes) {
    input.data = std::move(views_);
  } else if (input.datatype == Datatype::kBool) {
    input.data = std::move(truths_);
  } else if (spec_->is_column || input.datatype == Datatype::kFp64) {
    input.datatype = Datatype::kFp64;
    input.data = std::move(numbers_);
  } else {
    input.datatype = Datatype::kFp32;
    input.data = std::vector<float>(numbers_.begin(), numbers_.end());
  }
  return input;
}

}  // namespace penstock::serve
