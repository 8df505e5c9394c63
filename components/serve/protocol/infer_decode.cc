#include "components/serve/protocol/infer_decode.h"

#include <simdjson.h>

#include <deque>
#include <utility>

#include "components/serve/protocol/binary_tensor.h"
#include "components/serve/protocol/content_type.h"
#include "components/serve/protocol/json_data.h"

namespace penstock::serve {
namespace {

namespace od = simdjson::ondemand;
using simdjson::SUCCESS;

}  // namespace

struct InferDecoder::Impl {
  od::parser parser;
  std::deque<od::parser> late_parsers;  // for data that came before its datatype or shape

  std::int64_t most_elements = 0;  // that there can be in this body

  std::vector<std::optional<std::size_t>> binary_sizes;  // of each input that has one
  std::vector<std::string> content_types;                // of each input; empty: the request's
  std::string request_content_type;

  struct Seen {
    bool name = false, shape = false, datatype = false, data = false, parameters = false;
  };

  struct SeenRoot {
    bool id = false, inputs = false, outputs = false, parameters = false;
  };

  Complaint Root(std::string* body, std::size_t size, InferRequest* request);
  Complaint RootField(std::string_view key, od::value value, SeenRoot* seen, InferRequest* request);
  Complaint TakeRequestParameter(const Parameter& parameter, InferRequest* request);
  Complaint TakeInputParameter(const Parameter& parameter);
  Complaint Binary(std::string_view bytes, InferRequest* request);
  Complaint ContentTypes(InferRequest* request) const;
  Complaint Inputs(od::value value, InferRequest* request);
  Complaint Input(od::value value, std::size_t index, InputTensor* input);
  Complaint InputField(std::string_view key, od::value value, InputTensor* input, Seen* seen,
                       std::string_view* late);
  Complaint Data(od::value value, InputTensor* input);
  Complaint LateData(std::string_view raw, InputTensor* input);
  Complaint Outputs(od::value value, InferRequest* request);
  Complaint Output(od::value value, std::size_t index, AskedOutput* output);
};

Complaint InferDecoder::Impl::Root(std::string* body, std::size_t size, InferRequest* request) {
  od::document document;
  body->reserve(body->size() + simdjson::SIMDJSON_PADDING);
  if (auto error = parser.iterate(body->data(), size, body->capacity()).get(document))
    return Explain(error);
  od::object object;
  if (auto error = document.get_object().get(object)) {
    return error == simdjson::INCORRECT_TYPE ? "an inference request must be a JSON object"
                                             : Explain(error);
  }
  SeenRoot seen;
  for (auto field : object) {
    std::string_view key;
    od::value value;
    if (auto error = field.unescaped_key().get(key)) return Explain(error);
    if (auto error = field.value().get(value)) return Explain(error);
    if (auto complaint = RootField(key, value, &seen, request)) return complaint;
  }
  const char* after = nullptr;
  if (document.current_location().get(after) == SUCCESS)
    return "the body goes on after the end of its JSON object";
  if (!seen.inputs) return "'inputs' is missing";
  return std::nullopt;
}

Complaint InferDecoder::Impl::RootField(std::string_view key, od::value value, SeenRoot* seen,
                                        InferRequest* request) {
  if (key == "id")
    return Once(&seen->id, key, [&] { return ReadString(value, "'id'", &request->id); });
  if (key == "inputs") return Once(&seen->inputs, key, [&] { return Inputs(value, request); });
  if (key == "outputs") return Once(&seen->outputs, key, [&] { return Outputs(value, request); });
  if (key == "parameters") {
    return Once(&seen->parameters, key, [&] {
      return ReadParameters(value, "",
                            [&](const Parameter& p) { return TakeRequestParameter(p, request); });
    });
  }
  return Skip(value, 2);
}

// Those that nobody knows here are let through, as the protocol asks.
Complaint InferDecoder::Impl::TakeRequestParameter(const Parameter& parameter,
                                                   InferRequest* request) {
  if (parameter.name == "binary_data_output") {
    if (!parameter.truth) return "must be true or false";
    request->binary_outputs = *parameter.truth;
  } else if (parameter.name == "timeout") {
    if (!parameter.integer || *parameter.integer < 0) return "must be a number of microseconds";
    if (*parameter.integer > 0) request->timeout = std::chrono::microseconds(*parameter.integer);
  } else if (parameter.name == "content_type") {
    if (!parameter.text) return "must be a string";
    request_content_type = *parameter.text;
    return CheckRequestContentType(*parameter.text);
  }
  return std::nullopt;
}

Complaint InferDecoder::Impl::TakeInputParameter(const Parameter& parameter) {
  if (parameter.name == "binary_data_size") {
    if (!parameter.integer || *parameter.integer < 0) return "must be a number of bytes";
    binary_sizes.back() = static_cast<std::size_t>(*parameter.integer);
  } else if (parameter.name == "shared_memory_region") {
    return "is not supported; send the data as JSON or as binary_data_size";
  } else if (parameter.name == "content_type") {
    if (!parameter.text) return "must be a string";
    content_types.back() = *parameter.text;
  }
  return std::nullopt;
}

// The bytes behind the JSON, to the inputs in their order; all of them must be used.
Complaint InferDecoder::Impl::Binary(std::string_view bytes, InferRequest* request) {
  for (std::size_t i = 0; i < request->inputs.size(); ++i) {
    if (!binary_sizes[i]) continue;
    InputTensor& input = request->inputs[i];
    if (*binary_sizes[i] > bytes.size()) {
      return "input '" + input.name + "': binary_data_size is " + std::to_string(*binary_sizes[i]) +
             ", only " + std::to_string(bytes.size()) + " bytes are there";
    }
    if (auto wrong = ReadBinary(bytes.substr(0, *binary_sizes[i]), &input))
      return "input '" + input.name + "': " + *wrong;
    bytes.remove_prefix(*binary_sizes[i]);
  }
  if (!bytes.empty())
    return std::to_string(bytes.size()) + " bytes of binary data belong to no input";
  return std::nullopt;
}

// When all of the inputs are there.
Complaint InferDecoder::Impl::ContentTypes(InferRequest* request) const {
  for (std::size_t i = 0; i < request->inputs.size(); ++i) {
    const std::string& own = content_types[i].empty() ? request_content_type : content_types[i];
    if (own.empty() || (content_types[i].empty() && own == "pd")) continue;
    InputTensor& input = request->inputs[i];
    if (auto complaint = ApplyContentType(own, &input, &request->decoded))
      return "input '" + input.name + "': " + complaint->text;
  }
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
    binary_sizes.emplace_back();
    content_types.emplace_back();
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
      if (complaint->of_body) return complaint;
      return named(complaint->text);
    }
  }
  if (!seen.name) return named("has no 'name'");
  if (!seen.datatype) return named("has no 'datatype'");
  if (!seen.shape) return named("has no 'shape'");
  const bool binary = binary_sizes.back().has_value();
  if (!seen.data && !binary) return named("has no 'data'");
  if (seen.data && binary) return named("has both 'data' and the parameter 'binary_data_size'");
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
  if (key == "parameters") {
    return Once(&seen->parameters, key, [&] {
      return ReadParameters(value, "", [&](const Parameter& p) { return TakeInputParameter(p); });
    });
  }
  return Skip(value, 4);
}

Complaint InferDecoder::Impl::Data(od::value value, InputTensor* input) {
  const auto count = ElementCount(input->shape);
  if (!count) return "shape " + FormatShape(input->shape) + " has too many elements";
  return ReadData(value, *count, most_elements, input);
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
  if (complaint) return "input '" + input->name + "': " + complaint->text;
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

Complaint InferDecoder::Impl::Output(od::value value, std::size_t index, AskedOutput* output) {
  const std::string where = "outputs[" + std::to_string(index) + "]";
  od::object object;
  if (value.get_object().get(object) != SUCCESS) return where + " must be an object";
  bool named = false;
  bool parameters = false;
  const auto take = [output](const Parameter& parameter) -> Complaint {
    if (parameter.name == "classification" || parameter.name == "shared_memory_region")
      return "is not supported";
    if (parameter.name != "binary_data") return std::nullopt;
    if (!parameter.truth) return "must be true or false";
    output->binary = *parameter.truth;
    return std::nullopt;
  };
  for (auto field : object) {
    std::string_view key;
    od::value inner;
    if (auto error = field.unescaped_key().get(key)) return Explain(error);
    if (auto error = field.value().get(inner)) return Explain(error);
    Complaint complaint;
    if (key == "name") {
      complaint =
          Once(&named, key, [&] { return ReadString(inner, where + ".name", &output->name); });
    } else if (key == "parameters") {
      complaint = Once(&parameters, key, [&] { return ReadParameters(inner, where + ": ", take); });
    } else {
      complaint = Skip(inner, 4);
    }
    if (complaint) return complaint;
  }
  if (!named) return where + " has no 'name'";
  return std::nullopt;
}

InferDecoder::InferDecoder() : impl_(std::make_unique<Impl>()) {}
InferDecoder::~InferDecoder() = default;

void InferDecoder::GiveBack() {
  if (impl_->parser.capacity() > kKeptCapacity) impl_->parser = od::parser();
  impl_->late_parsers.clear();
}

Result<InferRequest> InferDecoder::Decode(std::string* body, std::size_t json_size) {
  GiveBack();
  impl_->binary_sizes.clear();
  impl_->content_types.clear();
  impl_->request_content_type.clear();
  json_size = std::min(json_size, body->size());
  impl_->most_elements = static_cast<std::int64_t>(json_size / 2 + 1);  // "0," and the last "0"
  InferRequest request;
  if (auto complaint = impl_->Root(body, json_size, &request)) return Invalid(complaint->text);
  const std::string_view blobs = std::string_view(*body).substr(json_size);
  if (auto complaint = impl_->Binary(blobs, &request)) return Invalid(complaint->text);
  if (auto complaint = impl_->ContentTypes(&request)) return Invalid(complaint->text);
  return request;
}

}  // namespace penstock::serve
