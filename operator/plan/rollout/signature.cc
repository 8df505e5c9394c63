#include "operator/plan/rollout/signature.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"

namespace penstock::rollout {
namespace {

constexpr std::size_t kLongestName = 128;  // of what a server calls its own, in messages

std::vector<SignatureTensor> ReadTensors(const Json& list) {
  std::vector<SignatureTensor> tensors;
  if (!list.is_array()) return tensors;
  for (const Json& one : list) {
    SignatureTensor& t = tensors.emplace_back();
    t.name = plan::Shown(one.at("name").get<std::string>(), kLongestName);
    t.datatype = plan::Shown(one.at("datatype").get<std::string>(), kLongestName);
    t.shape = one.at("shape").get<std::vector<std::int64_t>>();
    const Json flag = one.value("optional", Json());
    t.optional = flag.is_boolean() && flag.get<bool>();
    const Json parameters = one.value("parameters", Json());
    if (!parameters.is_object()) continue;
    const Json nullable = parameters.value("nullable", Json());
    if (nullable.is_boolean()) t.nullable = nullable.get<bool>();
  }
  return tensors;
}

const SignatureTensor* Find(const std::vector<SignatureTensor>& all, const std::string& name) {
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return it == all.end() ? nullptr : &*it;
}

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape)
    text += (text.size() == 1 ? "" : ", ") + std::to_string(size);
  return text + "]";
}

// Every tensor of `narrow` is one of `wide`.
bool Covers(const std::vector<std::int64_t>& wide, const std::vector<std::int64_t>& narrow) {
  return std::equal(wide.begin(), wide.end(), narrow.begin(), narrow.end(),
                    [](std::int64_t w, std::int64_t n) { return w == -1 || w == n; });
}

class Comparison {
 public:
  explicit Comparison(const char* kind) : kind_(kind) {}

  void Add(const std::string& name, const std::string& what) {
    found.push_back(std::string(kind_) + " \"" + name + "\": " + what);
  }
  void Changed(const SignatureTensor& was, const SignatureTensor& is, bool shape_fits) {
    if (was.datatype != is.datatype)
      Add(was.name, "datatype " + was.datatype + " became " + is.datatype);
    if (!shape_fits)
      Add(was.name, "shape " + ShapeText(was.shape) + " became " + ShapeText(is.shape));
  }
  std::vector<std::string> found;

 private:
  const char* kind_;
};

std::vector<std::string> InputBreaks(const Signature& stable, const Signature& candidate) {
  Comparison c("input");
  for (const SignatureTensor& was : stable.inputs) {
    const SignatureTensor* is = Find(candidate.inputs, was.name);
    if (is == nullptr) {
      c.Add(was.name, "was " + was.datatype + ", is gone");
      continue;
    }
    c.Changed(was, *is, Covers(is->shape, was.shape));
    if (was.nullable.value_or(false) && is->nullable && !*is->nullable)
      c.Add(was.name, "nullable true became false");
    if (was.optional && !is->optional) c.Add(was.name, "optional true became false");
  }
  for (const SignatureTensor& is : candidate.inputs)
    if (!is.optional && Find(stable.inputs, is.name) == nullptr)
      c.Add(is.name, "was not there, is " + is.datatype + " and must be sent");
  return std::move(c.found);
}

std::vector<std::string> OutputBreaks(const Signature& stable, const Signature& candidate) {
  Comparison c("output");
  for (const SignatureTensor& was : stable.outputs) {
    const SignatureTensor* is = Find(candidate.outputs, was.name);
    if (is == nullptr)
      c.Add(was.name, "was " + was.datatype + ", is gone");
    else
      c.Changed(was, *is, Covers(was.shape, is->shape));
  }
  return std::move(c.found);
}

}  // namespace

Result<Signature> ParseSignature(std::string_view body) {
  const auto answer = ParseJson(body, "the model's metadata");
  if (!answer) return answer.error();
  Signature signature;
  try {
    signature.inputs = ReadTensors(answer->value("inputs", Json()));
    signature.outputs = ReadTensors(answer->value("outputs", Json()));
  } catch (const Json::exception&) {
    return Invalid(
        "the model's metadata are not as V2 has them: inputs and outputs with name, "
        "datatype and shape");
  }
  if (signature.inputs.empty() && signature.outputs.empty())
    return Invalid("the model's metadata name neither inputs nor outputs");
  return signature;
}

std::vector<std::string> SignatureBreaks(const Signature& stable, const Signature& candidate) {
  std::vector<std::string> all = InputBreaks(stable, candidate);
  for (std::string& one : OutputBreaks(stable, candidate)) all.push_back(std::move(one));
  return all;
}

}  // namespace penstock::rollout
