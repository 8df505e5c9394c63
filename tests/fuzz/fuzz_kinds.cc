// JSON to the kinds: what is read without an error is written so that it is read back the same, and
// what the API server may hand us of other kinds is read or refused.
#include <vector>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/model/model_deployment_fact.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/resolve/resolve.h"
#include "tests/fuzz/require.h"

using namespace penstock;

namespace {

template <typename T>
api::Decoded<T> ReadTwice(const Json& object, api::Decoded<T> (*decode)(const Json&)) {
  auto first = decode(object);
  for (const auto& error : first.errors) fuzz::Require(!error.message.empty());
  if (!first.errors.empty()) return first;
  const Json written = api::Encode(first.value);
  const auto second = decode(written);
  fuzz::Require(second.errors.empty());
  fuzz::Require(api::Encode(second.value) == written);
  return first;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto object = ParseJson(fuzz::Text(data, size), "object");
  if (!object || !object->is_object()) return 0;
  const auto pipeline = ReadTwice(*object, &api::DecodePipeline);
  (void)ReadTwice(*object, &api::DecodePipelineRun);
  (void)ReadTwice(*object, &api::DecodeComponent);
  const auto md = ReadTwice(*object, &api::DecodeModelDeployment);
  if (md.errors.empty()) (void)plan::BuildDeployment(md.value, 1, {}, {});
  if (pipeline.errors.empty()) {
    const auto resolved = plan::Resolve("p", pipeline.value.spec, {}, {});
    fuzz::Require(resolved.run.has_value() || !resolved.errors.empty());
  }
  (void)plan::DecodePod(*object);
  (void)plan::DecodeDeployment(*object, "uid");
  (void)plan::DecodeServingPod(*object);
  (void)plan::DecodeService(*object, "uid");
  (void)plan::DecodeStore(*object, "uid");
  return 0;
}
