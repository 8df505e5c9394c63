// What a step's pod says of itself and what a receipt says: written by a program that nobody
// trusts.
#include "operator/base/json.h"
#include "operator/plan/attempt/attempt.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/protocol/task.h"
#include "tests/fuzz/require.h"

using namespace penstock;

namespace {

// The pod that ends with this message, as the kubelet would show it.
Json PodThatSays(const std::string& message) {
  return {
      {"metadata", {{"name", "x"}, {"uid", "u"}}},
      {"status",
       {{"phase", "Failed"},
        {"containerStatuses",
         Json::array({{{"name", "step"},
                       {"state", {{"terminated", {{"exitCode", 1}, {"message", message}}}}}}})}}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::Text(data, size);
  const auto message = ParseTerminationMessage(text);
  if (message) {
    const std::string written = FormatTerminationMessage(*message);
    fuzz::Require(written.size() <= kMaxTerminationMessage);
    const auto again = ParseTerminationMessage(written);
    fuzz::Require(again && again->outcome == message->outcome &&
                  again->exit_code == message->exit_code);
    (void)LauncherExitCode(*message);
  } else {
    fuzz::Require(!message.error().message.empty());
  }
  if (const auto receipt = ParseReceipt(text))
    fuzz::Require(ParseReceipt(Json(*receipt).dump()).has_value());
  if (const auto task = ParseTask(text)) (void)Json(*task).dump();
  if (const auto store = ParseTaskStore(text, "store"))
    fuzz::Require(ParseTaskStore(ToJson(*store).dump(), "store").has_value());
  (void)plan::DecodePod(PodThatSays(text));
  (void)plan::DecodeSpent(text);
  return 0;
}
