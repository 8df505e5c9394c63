#include "components/serve/infer_decode.h"

#include <simdjson.h>

#include <deque>
#include <utility>

#include "components/serve/json_data.h"

namespace penstock::serve {
namespace {

namespace od = simdjson::ondemand;
using simdjson::SUCCESS;

// A parser keeps its buffers; above this they are given back after the request.
constexpr std::size_t kKeptCapacity = 1U << 20;

std::string Explain(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return "the body is not valid UTF-8";
  if (error == simdjson::EMPTY) return "the body is empty; an inference request is a JSON object";
  if (error == simdjson::CAPACITY) return "the body is too large to parse";
  return std::string("the body is not valid JSON: ") + simdjson::error_message(error);
}

// Consumes a value nobody asked for, so that what is wrong inside it is still refused.
Complaint Skip(od::value value, int depth) {
  if (depth > kMaxJsonDepth)
    return "the JSON is nested deeper than " + std::to_string(kMaxJsonDepth);
  od::json_type type;
  if (auto error = value.type().get(type)) return Explain(error);
  simdjson::error_code error = SUCCESS;
  if (type == od::json_type::object) {
    od::object object;
    if ((error = value.get_object().get(object))) return Explain(error);
    for (auto field : object) {
      std::string_view key;
      od::value inner;
      if ((error = field.unescaped_key().get(key)) || (error = field.value().get(inner)))
        return Explain(error);
      if (auto complaint = Skip(inner, depth + 1)) return complaint;
    }
    return std::nullopt;
  }
  if (type == od::json_type::array) {
    od::array array;
    if ((error = value.get_array().get(array))) return Explain(error);
    for (auto item : array) {
      od::value inner;
      if ((error = item.get(inner))) return Explain(error);
      if (auto complaint = Skip(inner, depth + 1)) return complaint;
    }
    return std::nullopt;
  }
  std::string_view text;
  double number = 0;
  bool truth = false;
  if (type == od::json_type::string) error = value.get_string().get(text);
  if (type == od::json_type::number) error = value.get_double().get(number);
  if (type == od::json_type::boolean) error = value.get_bool().get(truth);
  if (type == od::json_type::null) {
    error = value.is_null().get(truth);
    if (!error && !truth) error = simdjson::N_ATOM_ERROR;
  }
  if (error) return Explain(error);
  return std::nullopt;
}

Complaint ReadString(od::value value, const std::string& what, std::string* out) {
  std::string_view text;
  if (value.get_string().get(text) != SUCCESS) return what + " must be a string";
  *out = std::string(text);
  return std::nullopt;
}

Complaint ReadShape(od::value value, Shape* shape) {
  od::array array;
  if (value.get_array().get(array) != SUCCESS) return "shape must be an array of integers";
  for (auto item : array) {
    std::int64_t dim = 0;
    if (item.get_int64().get(dim) != SUCCESS) return "shape must be an array of integers";
    if (dim < 0) return "shape has the negative dimension " + std::to_string(dim);
    if (shape->size() == kMaxRank)
      return "shape has more than " + std::to_string(kMaxRank) + " dimensions";
    shape->push_back(dim);
  }
  return std::nullopt;
}

// Runs `read` and marks the key as seen; a key that comes twice is refused.
template <typename F>
Complaint Once(bool* seen, std::string_view key, F read) {
  if (std::exchange(*seen, true)) return "'" + std::string(key) + "' is given twice";
  return read();
}

}  // namespace

struct InferDecoder::Impl {
  od::parser parser;
  std::deque<od::parser> late_parsers;  // for data that came before its datatype or shape

  struct Seen {
    bool name = false, shape = false, datatype = false, data = false, parameters = false;
  };

  Complaint Root(std::string* body, InferRequest* request);
  Complaint Inputs(od::value value, InferRequest* request);
  Complaint Input(od::value value, std::size_t index, InputTensor* input);
  Complaint InputField(std::string_view key, od::value value, InputTensor* input, Seen* seen,
                       std::string_view* late);
  Complaint Data(od::value value, InputTensor* input);
  Complaint LateData(std::string_view raw, InputTensor* input);
  Complaint Outputs(od::value value, InferRequest* request);
  Complaint Output(od::value value, std::size_t index, std::string* name);
};

Complaint InferDecoder::Impl::Root(std::string* body, InferRequest* request) {
  od::document document;
  body->reserve(body->size() + simdjson::SIMDJSON_PADDING);
  if (auto error = parser.iterate(body->data(), body->size(), body->capacity()).get(document))
    return Explain(error);
  od::object object;
  if (auto error = document.get_object().get(object)) {
    return error == simdjson::INCORRECT_TYPE ? "an inference request must be a JSON object"
                                             : Explain(error);
  }
  bool id = false;
  bool inputs = false;
  bool outputs = false;
  for (auto field : object) {
    std::string_view key;
    od::value value;
    if (auto error = field.unescaped_key().get(key)) return Explain(error);
    if (auto error = field.value().get(value)) return Explain(error);
    Complaint complaint;
    if (key == "id") {
      complaint = Once(&id, key, [&] { return ReadString(value, "'id'", &request->id); });
    } else if (key == "inputs") {
      complaint = Once(&inputs, key, [&] { return Inputs(value, request); });
    } else if (key == "outputs") {
      complaint = Once(&outputs, key, [&] { return Outputs(value, request); });
    } else {
      complaint = Skip(value, 2);
    }
    if (complaint) return complaint;
  }
  const char* after = nullptr;
  if (document.current_location().get(after) == SUCCESS)
    return "the body goes on after the end of its JSON object";
  if (!inputs) return "'inputs' is missing";
  return std::nullopt;
}

Complaint InferDecoder::Impl::Inputs(od::value value, InferRequest* request) {
  od::array array;
  if (value.get_array().get(array) != SUCCESS) return "'inputs' must be an array";
  for (auto item : array) {
    od::value input;
    if (auto error = item.get(input)) return Explain(error);
    const std::size_t index = request->inputs.size();
    request->inputs.emplace_back();
    if (auto complaint = Input(input, index, &request->inputs.back())) return complaint;
  }
  return std::nullopt;
}

Complaint InferDecoder::Impl::Input(od::value value, std::size_t index, InputTensor* input) {
  const auto named = [&](const std::string& what) {
    const bool known = !input->name.empty();
    return (known ? "input '" + input->name + "': " : "inputs[" + std::to_string(index) + "]: ") +
           what;
  };
  od::object object;
  if (value.get_object().get(object) != SUCCESS) return named("must be an object");
  Seen seen;
  std::string_view late;
  for (auto field : object) {
    std::string_view key;
    od::value inner;
    if (auto error = field.unescaped_key().get(key)) return Explain(error);
    if (auto error = field.value().get(inner)) return Explain(error);
    if (auto complaint = InputField(key, inner, input, &seen, &late)) {
      // What ReadData says names the input already.
      const bool full = complaint->starts_with("input ") || complaint->starts_with("the ");
      return full ? *complaint : named(*complaint);
    }
  }
  if (!seen.name) return named("has no 'name'");
  if (!seen.datatype) return named("has no 'datatype'");
  if (!seen.shape) return named("has no 'shape'");
  if (!seen.data) return named("has no 'data'");
  return late.empty() ? std::nullopt : LateData(late, input);
}

Complaint InferDecoder::Impl::InputField(std::string_view key, od::value value, InputTensor* input,
                                         Seen* seen, std::string_view* late) {
  if (key == "name") {
    return Once(&seen->name, key, [&] { return ReadString(value, "'name'", &input->name); });
  }
  if (key == "shape")
    return Once(&seen->shape, key, [&] { return ReadShape(value, &input->shape); });
  if (key == "datatype") {
    return Once(&seen->datatype, key, [&]() -> Complaint {
      std::string text;
      if (auto complaint = ReadString(value, "'datatype'", &text)) return complaint;
      const auto datatype = ParseDatatype(text);
      if (!datatype) return "unknown datatype '" + text.substr(0, 32) + "'";
      input->datatype = *datatype;
      return std::nullopt;
    });
  }
  if (key == "data") {
    return Once(&seen->data, key, [&]() -> Complaint {
      if (seen->datatype && seen->shape && seen->name) return Data(value, input);
      od::array array;
      if (value.get_array().get(array) != SUCCESS) return "data must be an array";
      if (auto error = array.raw_json().get(*late)) return Explain(error);
      return std::nullopt;
    });
  }
  return Skip(value, 4);
}

Complaint InferDecoder::Impl::Data(od::value value, InputTensor* input) {
  const auto count = ElementCount(input->shape);
  if (!count) return "shape " + FormatShape(input->shape) + " has too many elements";
  return ReadData(value, *count, input);
}

Complaint InferDecoder::Impl::LateData(std::string_view raw, InputTensor* input) {
  od::document document;
  // The raw text lies within the padded body, so the parser may read beyond its end.
  simdjson::padded_string_view view(raw.data(), raw.size(),
                                    raw.size() + simdjson::SIMDJSON_PADDING);
  late_parsers.emplace_back();
  if (auto error = late_parsers.back().iterate(view).get(document)) return Explain(error);
  od::value value;
  if (auto error = document.get_value().get(value)) return Explain(error);
  auto complaint = Data(value, input);
  if (complaint && !complaint->starts_with("input "))
    return "input '" + input->name + "': " + *complaint;
  return complaint;
}

Complaint InferDecoder::Impl::Outputs(od::value value, InferRequest* request) {
  od::array array;
  if (value.get_array().get(array) != SUCCESS) return "'outputs' must be an array";
  for (auto item : array) {
    od::value output;
    if (auto error = item.get(output)) return Explain(error);
    request->outputs.emplace_back();
    if (auto complaint = Output(output, request->outputs.size() - 1, &request->outputs.back()))
      return complaint;
  }
  return std::nullopt;
}

Complaint InferDecoder::Impl::Output(od::value value, std::size_t index, std::string* name) {
  const std::string where = "outputs[" + std::to_string(index) + "]";
  od::object object;
  if (value.get_object().get(object) != SUCCESS) return where + " must be an object";
  bool named = false;
  for (auto field : object) {
    std::string_view key;
    od::value inner;
    if (auto error = field.unescaped_key().get(key)) return Explain(error);
    if (auto error = field.value().get(inner)) return Explain(error);
    auto complaint =
        key == "name" ? Once(&named, key, [&] { return ReadString(inner, where + ".name", name); })
                      : Skip(inner, 4);
    if (complaint) return complaint;
  }
  if (!named) return where + " has no 'name'";
  return std::nullopt;
}

InferDecoder::InferDecoder() : impl_(std::make_unique<Impl>()) {}
InferDecoder::~InferDecoder() = default;

Result<InferRequest> InferDecoder::Decode(std::string* body) {
  if (impl_->parser.capacity() > kKeptCapacity) impl_->parser = od::parser();
  impl_->late_parsers.clear();
  InferRequest request;
  if (auto complaint = impl_->Root(body, &request)) return Invalid(*complaint);
  return request;
}

}  // namespace penstock::serve
