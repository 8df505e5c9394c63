#include "operator/main/prediction_retention.h"

#include <optional>

#include "operator/api/codec.h"
#include "operator/base/pause.h"
#include "operator/kube/resources.h"

namespace penstock::main {
namespace {

Result<int> RemoveOldOf(kube::Client& client, const artifacts::PredictionStore& store,
                        const artifacts::PredictionStore::Log& log, const kube::Call& call) {
  const auto object = client.Get(kube::kModelDeployments, log.ns, log.deployment, call);
  if (!object && object.error().kind == ErrorKind::kNotFound)
    return store.RemoveOlder(log, api::kPredictionRetention);
  if (!object) return object.error();
  const auto decoded = api::DecodeModelDeployment(*object);
  if (!decoded.errors.empty())
    return Invalid(
        "ModelDeployment " + log.ns + "/" + log.deployment +
        " cannot be read, so its prediction log is kept: " + api::Describe(decoded.errors));
  return store.RemoveOlder(log, decoded.value.spec.log.retention);
}

}  // namespace

Result<int> RemoveOldPredictions(kube::Client& client, const artifacts::PredictionStore& store,
                                 const kube::Call& call) {
  auto logs = store.Logs();
  if (!logs) return logs.error();
  int removed = 0;
  std::optional<Error> first;  // one log's trouble keeps no other from its time
  for (const auto& log : *logs) {
    const auto gone = RemoveOldOf(client, store, log, call);
    if (gone) {
      removed += *gone;
    } else if (!first) {
      first = gone.error();
    }
  }
  if (first) return *first;
  return removed;
}

void KeepRetention(kube::Client& client, const artifacts::PredictionStore& store,
                   const runtime::Log& log, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto removed = RemoveOldPredictions(client, store, {.stop = stop});
    if (!removed && removed.error().kind != ErrorKind::kCancelled)
      log.Write("warn", "old predictions were not all removed: " + removed.error().message);
    if (removed && *removed > 0)
      log.Write("info", "removed " + std::to_string(*removed) + " old prediction files");
    Pause(std::chrono::hours(1), stop);
  }
}

}  // namespace penstock::main
