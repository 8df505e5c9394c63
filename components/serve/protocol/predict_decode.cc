#include "components/serve/protocol/predict_decode.h"

#include <simdjson.h>

#include <deque>
#include <utility>

#include "components/serve/protocol/long_integers.h"
#include "components/serve/protocol/predict_values.h"

namespace penstock::serve {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

// {"b64": ...} is a value, every other object names inputs.
bool NamesInputs(dom::element element) {
  dom::object object;
  if (element.get_object().get(object) != SUCCESS) return false;
  return object.size() != 1 || (*object.begin()).key != "b64";
}

std::string Where(std::size_t row) { return "instances[" + std::to_string(row) + "]: "; }

}  // namespace

struct PredictDecoder::Impl {
  dom::parser parser;
  std::deque<std::string> texts;  // decoded from base64; the request borrows them
  std::vector<double> rounded;    // of whole numbers in the body that no double is
  std::vector<ValueCollector> collectors;

  simdjson::error_code Parse(std::string* body, dom::element* root);
  Complaint Rows(const Signature& signature, dom::element instances, InferRequest* request);
  Complaint Row(const Signature& signature, dom::element row);
  Complaint Columns(const Signature& signature, dom::element inputs, InferRequest* request);
  // Calls take(input's index, value) for every key; each must be an input, and none is missing.
  template <typename F>
  Complaint EachInput(const Signature& signature, dom::element named, F take);
};

template <typename F>
Complaint PredictDecoder::Impl::EachInput(const Signature& signature, dom::element named, F take) {
  dom::object object;
  if (named.get_object().get(object) != SUCCESS) {
    return "must be an object with a value for each of the " +
           std::to_string(signature.inputs.size()) + " inputs";
  }
  const std::size_t count = signature.inputs.size();
  std::vector<bool> seen(count);
  std::size_t next = 0;  // keys mostly come in the signature's order
  for (auto [key, value] : object) {
    std::size_t tried = 0;
    while (tried < count && signature.inputs[next % count].name != key) ++tried, ++next;
    if (tried == count) return "unknown input '" + std::string(key) + "'";
    const std::size_t at = next++ % count;
    if (seen[at]) return "input '" + std::string(key) + "' is given twice";
    seen[at] = true;
    if (auto complaint = take(at, value)) return complaint;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!seen[i]) return "input '" + signature.inputs[i].name + "' is missing";
  }
  return std::nullopt;
}

Complaint PredictDecoder::Impl::Row(const Signature& signature, dom::element row) {
  if (signature.inputs.size() == 1 && !NamesInputs(row)) return collectors.front().Add(row);
  return EachInput(signature, row,
                   [&](std::size_t at, dom::element value) { return collectors[at].Add(value); });
}

Complaint PredictDecoder::Impl::Rows(const Signature& signature, dom::element instances,
                                     InferRequest* request) {
  if (!signature.batched) return "the model has no batch axis: send {\"inputs\": ...}";
  dom::array rows;
  if (instances.get_array().get(rows) != SUCCESS) return "'instances' must be a list";
  std::size_t count = 0;
  for (dom::element row : rows) {
    if (auto complaint = Row(signature, row)) return Where(count) + complaint->text;
    ++count;
  }
  if (count == 0) return "'instances' is empty";
  for (std::size_t i = 0; i < collectors.size(); ++i)
    request->inputs.push_back(collectors[i].Finish(static_cast<std::int64_t>(count)));
  return std::nullopt;
}

Complaint PredictDecoder::Impl::Columns(const Signature& signature, dom::element inputs,
                                        InferRequest* request) {
  Complaint complaint;
  if (signature.inputs.size() == 1 && !NamesInputs(inputs)) {
    complaint = collectors.front().Add(inputs);
  } else {
    complaint = EachInput(signature, inputs, [&](std::size_t at, dom::element value) {
      return collectors[at].Add(value);
    });
  }
  if (complaint) return "'inputs': " + complaint->text;
  for (ValueCollector& collector : collectors)
    request->inputs.push_back(collector.Finish(std::nullopt));
  return std::nullopt;
}

simdjson::error_code PredictDecoder::Impl::Parse(std::string* body, dom::element* root) {
  body->reserve(body->size() + simdjson::SIMDJSON_PADDING);
  const auto error = parser.parse(body->data(), body->size(), false).get(*root);
  // Mostly there is none of more than 64 bits, and only then must one be looked for.
  if (error != simdjson::NUMBER_ERROR || !RewriteLongIntegers(body, &rounded)) return error;
  return parser.parse(body->data(), body->size(), false).get(*root);
}

PredictDecoder::PredictDecoder() : impl_(std::make_unique<Impl>()) {}
PredictDecoder::~PredictDecoder() = default;

void PredictDecoder::GiveBack() {
  if (impl_->parser.capacity() > kKeptCapacity) impl_->parser = dom::parser();
  impl_->texts.clear();
  impl_->collectors.clear();
  impl_->rounded.clear();
}

Result<PredictRequest> PredictDecoder::Decode(const Signature& signature, std::string* body) {
  GiveBack();
  for (const InputSpec& spec : signature.inputs)
    impl_->collectors.emplace_back(&spec, &impl_->texts, &impl_->rounded);
  dom::element root;
  if (auto error = impl_->Parse(body, &root)) {
    const bool bare =
        body->find("NaN") != std::string::npos || body->find("Infinity") != std::string::npos;
    return Invalid(Explain(error).text +
                   (bare ? " (JSON has no NaN and no Infinity: a missing value is null)" : ""));
  }
  dom::element instances;
  dom::element inputs;
  dom::object object;
  if (root.get_object().get(object) != SUCCESS)
    return Invalid("a predict request must be a JSON object");
  bool rows = false;
  bool columns = false;
  for (auto [key, value] : object) {
    if (key != "instances" && key != "inputs") continue;
    const bool of_rows = key == "instances";
    if (std::exchange(of_rows ? rows : columns, true))
      return Invalid("'" + std::string(key) + "' is given twice");
    (of_rows ? instances : inputs) = value;
  }
  if (rows && columns) return Invalid("the request has both 'instances' and 'inputs'");
  if (!rows && !columns) return Invalid("Missing 'inputs' or 'instances' key");
  dom::element name;
  if (root["signature_name"].get(name) == SUCCESS) {
    std::string_view text;
    if (name.get_string().get(text) != SUCCESS || (!text.empty() && text != "serving_default"))
      return Invalid("the only signature_name here is 'serving_default'");
  }
  PredictRequest request;
  request.rows = rows;
  const auto complaint = rows ? impl_->Rows(signature, instances, &request.infer)
                              : impl_->Columns(signature, inputs, &request.infer);
  if (complaint) return Invalid(complaint->text);
  return request;
}

}  // namespace penstock::serve
