#include "operator/controllers/prediction_retention.h"

#include "operator/api/codec.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {

Result<int> RemoveOldPredictions(kube::Client& client, const artifacts::PredictionStore& store,
                                 const kube::Call& call) {
  auto logs = store.Logs();
  if (!logs) return logs.error();
  int removed = 0;
  for (const auto& log : *logs) {
    Milliseconds retention = api::kPredictionRetention;
    const auto object = client.Get(kube::kModelDeployments, log.ns, log.deployment, call);
    if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
    if (object) {
      const auto decoded = api::DecodeModelDeployment(*object);
      if (decoded.errors.empty()) retention = decoded.value.spec.log.retention;
    }
    const auto gone = store.RemoveOlder(log, retention);
    if (!gone) return gone.error();
    removed += *gone;
  }
  return removed;
}

}  // namespace penstock::controllers
