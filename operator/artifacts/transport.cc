#include "operator/artifacts/transport.h"

#include "operator/artifacts/https_transport.h"
#include "operator/artifacts/store.h"
#include "operator/base/file.h"

namespace penstock::artifacts {
namespace {

class FolderTransport : public Transport {
 public:
  FolderTransport(const TaskStore& store, const TransportOptions& options)
      : store_(store.folder), predictions_(store.folder), ns_(options.namespace_) {}

  Result<void> Fetch(const ArtifactRef& artifact, const std::filesystem::path& target) override {
    return store_.Get(ns_, artifact, target);
  }
  Result<ArtifactRef> Upload(const std::filesystem::path& source) override {
    return store_.Put(ns_, source);
  }
  Result<void> PutReceipt(const Receipt& receipt) override {
    return store_.PutReceipt(ns_, receipt);
  }
  Result<void> PutMetrics(const std::string& run_uid, const std::string& pod,
                          const std::string& text) override {
    return store_.PutMetrics(ns_, run_uid, pod, text);
  }
  Result<void> PutPredictions(const std::string& deployment,
                              const std::filesystem::path& file) override {
    const auto bytes = ReadFile(file, kMaxPredictionFileBytes);
    if (!bytes) return bytes.error();
    return predictions_.Put(ns_, deployment, file.filename().string(), *bytes);
  }
  Result<std::vector<PredictionFile>> ListPredictions(const std::string& deployment) override {
    return predictions_.List(ns_, deployment);
  }
  Result<void> FetchPredictions(const std::string& deployment, const std::string& name,
                                const std::filesystem::path& target) override {
    const auto path = predictions_.Path(ns_, deployment, name);
    if (!path) return path.error();
    const auto bytes = ReadFile(*path, kMaxPredictionFileBytes);
    if (!bytes) return bytes.error();
    return WriteFileAtomically(target, *bytes);
  }

 private:
  Store store_;
  PredictionStore predictions_;
  std::string ns_;
};

}  // namespace

Result<std::unique_ptr<Transport>> MakeTransport(const TaskStore& store,
                                                 const TransportOptions& options) {
  if (store.folder.empty() == store.url.empty())
    return Invalid("the task's store must name either a url or a folder");
  if (store.url.empty())
    return std::unique_ptr<Transport>(std::make_unique<FolderTransport>(store, options));
  return MakeHttpsTransport(store, options);
}

}  // namespace penstock::artifacts
