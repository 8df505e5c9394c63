// The route table of a namespace, from the API server: informers of its ModelDeployments and of
// their versions' EndpointSlices.
//
// The first table is that of the file, where there is one, so that a router which comes up while
// the API server is away goes on with what it knew; from the first whole lists on, the objects say.
// Changes that come together are one table, 20 ms after the first of them. Every table that was
// published is kept in the file, replaced atomically.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "components/router/routing/table_source.h"
#include "components/router/watch/table_builder.h"
#include "operator/base/time.h"
#include "operator/kube/informer.h"

namespace penstock::router {

struct ClusterSourceOptions {
  std::string ns;
  std::filesystem::path file;  // of the last table; empty: none is kept
  std::filesystem::path edge;  // where certificates and keys are mounted, see TableBuilder
  // Told what goes wrong, once each time that it is another thing; from any thread.
  std::function<void(const std::string&)> log = [](const std::string&) {};
  kube::BackoffSettings backoff{.initial = std::chrono::milliseconds(200),
                                .max = std::chrono::milliseconds(5'000)};
};

class ClusterSource : public TableSource {
 public:
  // `client` and `clock` must outlive the source.
  ClusterSource(kube::Client& client, const Clock& clock, ClusterSourceOptions options);
  ~ClusterSource() override;

  // A file that cannot be read is told, and is no error: the API server may answer.
  [[nodiscard]] Result<void> Start(Publish publish) override;
  [[nodiscard]] std::string Trouble() const override;

 private:
  struct Watched {
    std::unique_ptr<kube::Informer> informer;
    std::string failure;                  // the last
    std::uint64_t events_at_failure = 0;  // seen until then: more of them, and it is over
  };
  void AddInformer(const kube::ResourceType& type, const std::string& selector,
                   void (*trim)(Json&));
  void PublishFile();
  void Run(const std::stop_token& stop);
  void PublishCluster();
  void Keep(const RouteTable& table);
  void Tell(const std::string& problem);

  kube::Client& client_;
  const Clock& clock_;
  const ClusterSourceOptions options_;
  Publish publish_;
  TableBuilder builder_;            // of the thread alone
  std::optional<RouteTable> last_;  // published; of the thread alone
  std::string told_;                // of the thread alone
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool dirty_ = false;
  std::vector<Watched> watched_;  // ModelDeployments, EndpointSlices
  std::jthread thread_;
};

}  // namespace penstock::router
