#include "components/serve/grpc/grpc_codec.h"

#include <algorithm>

#include "components/serve/protocol/binary_tensor.h"
#include "components/serve/protocol/content_type.h"
#include "components/serve/protocol/json_read.h"

namespace penstock::serve {
namespace {

using InputMessage = inference::ModelInferRequest::InferInputTensor;
using Contents = inference::InferTensorContents;

Complaint ReadIntegers(const Contents& contents, InputTensor* input) {
  std::vector<std::int64_t> values;
  const auto take = [&](const auto& list) { values.assign(list.begin(), list.end()); };
  switch (input->datatype) {
    case Datatype::kInt64:
      take(contents.int64_contents());
      break;
    case Datatype::kUint64:
      take(contents.uint64_contents());
      break;
    case Datatype::kUint8:
    case Datatype::kUint16:
    case Datatype::kUint32:
      take(contents.uint_contents());
      break;
    default:
      take(contents.int_contents());
  }
  const IntegerRange range = RangeOf(input->datatype);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (input->datatype == Datatype::kUint64 && values[i] < 0)  // it has become so
      return "element " + std::to_string(i) + " " + kAboveInt64;
    if (values[i] < range.min || values[i] > range.max)
      return "element " + std::to_string(i) + " is out of the range of " + Name(input->datatype);
  }
  input->data = std::move(values);
  return std::nullopt;
}

Complaint ReadContents(const Contents& contents, InputTensor* input) {
  switch (input->datatype) {
    case Datatype::kFp16:
    case Datatype::kBf16:
      return std::string(Name(input->datatype)) + " can only come as raw_input_contents";
    case Datatype::kFp32:
      input->data =
          std::vector<float>(contents.fp32_contents().begin(), contents.fp32_contents().end());
      return std::nullopt;
    case Datatype::kFp64:
      input->data =
          std::vector<double>(contents.fp64_contents().begin(), contents.fp64_contents().end());
      return std::nullopt;
    case Datatype::kBool:
      input->data = std::vector<std::uint8_t>(contents.bool_contents().begin(),
                                              contents.bool_contents().end());
      return std::nullopt;
    case Datatype::kBytes:
      input->data = std::vector<std::string_view>(contents.bytes_contents().begin(),
                                                  contents.bytes_contents().end());
      return std::nullopt;
    default:
      return ReadIntegers(contents, input);
  }
}

Complaint ReadShape(const InputMessage& message, InputTensor* input) {
  if (static_cast<std::size_t>(message.shape_size()) > kMaxRank)
    return "shape has more than " + std::to_string(kMaxRank) + " dimensions";
  input->shape.assign(message.shape().begin(), message.shape().end());
  for (std::int64_t dim : input->shape) {
    if (dim < 0) return "shape has the negative dimension " + std::to_string(dim);
  }
  if (!ElementCount(input->shape))
    return "shape " + FormatShape(input->shape) + " has too many elements";
  return std::nullopt;
}

Complaint ReadInput(const InputMessage& message, const std::string* raw, InputTensor* input) {
  const auto datatype = ParseDatatype(message.datatype());
  if (!datatype) return "unknown datatype '" + message.datatype().substr(0, 32) + "'";
  input->datatype = *datatype;
  if (auto complaint = ReadShape(message, input)) return complaint;
  if (raw != nullptr) {
    if (message.has_contents()) return "has both contents and raw_input_contents";
    if (auto wrong = ReadBinary(*raw, input)) return std::move(*wrong);
    return std::nullopt;
  }
  if (auto complaint = ReadContents(message.contents(), input)) return complaint;
  const std::size_t found =
      std::visit([](const auto& values) { return values.size(); }, input->data);
  const std::int64_t count = *ElementCount(input->shape);
  if (static_cast<std::int64_t>(found) == count) return std::nullopt;
  return "contents have " + std::to_string(found) + " elements of " + Name(*datatype) + ", shape " +
         FormatShape(input->shape) + " has " + std::to_string(count);
}

// MLServer's parameter; empty without one.
Result<std::string> ContentTypeOf(
    const google::protobuf::Map<std::string, inference::InferParameter>& parameters) {
  const auto found = parameters.find("content_type");
  if (found == parameters.end()) return std::string();
  if (!found->second.has_string_param())
    return Invalid("parameter 'content_type' must be a string");
  return found->second.string_param();
}

Result<void> ApplyContentTypes(const inference::ModelInferRequest& message, InferRequest* request) {
  const auto of_all = ContentTypeOf(message.parameters());
  if (!of_all) return of_all.error();
  if (!of_all->empty()) {
    if (auto complaint = CheckRequestContentType(*of_all))
      return Invalid("parameter 'content_type' " + complaint->text);
  }
  for (int i = 0; i < message.inputs_size(); ++i) {
    InputTensor& input = request->inputs[static_cast<std::size_t>(i)];
    auto own = ContentTypeOf(message.inputs(i).parameters());
    if (!own) return Wrap("input '" + input.name + "'", own.error());
    if (own->empty() && *of_all != "pd") own = *of_all;
    if (own->empty()) continue;
    if (auto complaint = ApplyContentType(*own, &input, &request->decoded))
      return Invalid("input '" + input.name + "': " + complaint->text);
  }
  return {};
}

void WriteContents(const Tensor& tensor, Contents* contents) {
  const auto write = [](const auto& values, auto* list) {
    list->Add(values.begin(), values.end());
  };
  if (const auto* floats = std::get_if<std::vector<float>>(&tensor.data)) {
    write(*floats, contents->mutable_fp32_contents());
  } else if (const auto* doubles = std::get_if<std::vector<double>>(&tensor.data)) {
    write(*doubles, contents->mutable_fp64_contents());
  } else if (const auto* truths = std::get_if<std::vector<std::uint8_t>>(&tensor.data)) {
    write(*truths, contents->mutable_bool_contents());
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&tensor.data)) {
    for (const std::string& text : *texts) contents->add_bytes_contents(text);
  } else {
    const auto& integers = std::get<std::vector<std::int64_t>>(tensor.data);
    if (tensor.datatype == Datatype::kInt64) {
      write(integers, contents->mutable_int64_contents());
    } else if (tensor.datatype == Datatype::kUint64) {
      write(integers, contents->mutable_uint64_contents());
    } else if (RangeOf(tensor.datatype).min == 0) {
      write(integers, contents->mutable_uint_contents());
    } else {
      write(integers, contents->mutable_int_contents());
    }
  }
}

template <typename Spec>
void DescribeTensor(const Spec& spec, inference::ModelMetadataResponse::TensorMetadata* metadata) {
  metadata->set_name(spec.name);
  metadata->set_datatype(Name(spec.datatype));
  metadata->mutable_shape()->Add(spec.shape.begin(), spec.shape.end());
}

}  // namespace

void Describe(const ModelIdentity& identity, const Model& model,
              inference::ModelMetadataResponse* answer) {
  answer->set_name(identity.name);
  if (!identity.version.empty()) answer->add_versions(identity.version);
  answer->set_platform(model.platform());
  for (const InputSpec& spec : model.signature().inputs) {
    auto* metadata = answer->add_inputs();
    DescribeTensor(spec, metadata);
    if (!spec.is_time) continue;
    auto& parameters = *metadata->mutable_parameters();
    parameters["content_type"].set_string_param("datetime");
    parameters["int64_unit"].set_string_param(kTimeUnit);
  }
  for (const OutputSpec& spec : model.signature().outputs)
    DescribeTensor(spec, answer->add_outputs());
}

bool IsRaw(const inference::ModelInferRequest& message) {
  return message.raw_input_contents_size() > 0;
}

Result<InferRequest> FromMessage(const inference::ModelInferRequest& message) {
  if (IsRaw(message) && message.raw_input_contents_size() != message.inputs_size()) {
    return Invalid("raw_input_contents has " + std::to_string(message.raw_input_contents_size()) +
                   " entries for " + std::to_string(message.inputs_size()) + " inputs");
  }
  InferRequest request;
  request.id = message.id();
  for (int i = 0; i < message.inputs_size(); ++i) {
    InputTensor input;
    input.name = message.inputs(i).name();
    const std::string* raw = IsRaw(message) ? &message.raw_input_contents(i) : nullptr;
    if (auto complaint = ReadInput(message.inputs(i), raw, &input))
      return Invalid("input '" + input.name + "': " + complaint->text);
    request.inputs.push_back(std::move(input));
  }
  if (auto applied = ApplyContentTypes(message, &request); !applied) return applied.error();
  for (const auto& output : message.outputs()) {
    if (output.parameters().count("classification") > 0)
      return Invalid("output '" + output.name() + "': parameter 'classification' is not supported");
    request.outputs.push_back({output.name(), std::nullopt});
  }
  const auto timeout = message.parameters().find("timeout");
  if (timeout != message.parameters().end()) {
    if (!timeout->second.has_int64_param() || timeout->second.int64_param() < 0)
      return Invalid("parameter 'timeout' must be a number of microseconds");
    if (timeout->second.int64_param() > 0)
      request.timeout = std::chrono::microseconds(timeout->second.int64_param());
  }
  return request;
}

void ToMessage(const ModelIdentity& model, const std::string& id,
               const std::vector<Tensor>& outputs, bool raw,
               inference::ModelInferResponse* message) {
  message->set_model_name(model.name);
  message->set_model_version(model.version);
  message->set_id(id);
  raw = raw || std::any_of(outputs.begin(), outputs.end(), [](const Tensor& tensor) {
          return tensor.datatype == Datatype::kFp16 || tensor.datatype == Datatype::kBf16;
        });
  for (const Tensor& tensor : outputs) {
    auto* output = message->add_outputs();
    output->set_name(tensor.name);
    output->set_datatype(Name(tensor.datatype));
    output->mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    if (raw) {
      AppendBinary(tensor, message->add_raw_output_contents());
    } else {
      WriteContents(tensor, output->mutable_contents());
    }
  }
}

}  // namespace penstock::serve
