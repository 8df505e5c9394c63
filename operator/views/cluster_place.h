// Runs of a cluster: objects by its API server, the operator's database, store and kept logs. Any
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "operator/artifacts/logs/log_store.h"
#include "operator/views/place.h"

namespace penstock::views {

struct ClusterPlaceOptions {
  std::vector<std::string> namespaces;  // that are looked after; empty: all
  // Whether the run's object stands, by whoever watches them; nothing: nobody knows now.
  std::function<std::optional<bool>(const std::string& ns, const std::string& name,
                                    const std::string& uid)>
      stands = {};
};

class ClusterPlace : public Place {
 public:
  // `client` must outlive it.
  ClusterPlace(kube::Client& client, metadata::Query history, artifacts::Store store,
               ClusterPlaceOptions options = {});

  [[nodiscard]] std::string mode() const override { return "cluster"; }
  [[nodiscard]] std::vector<std::string> namespaces() const override { return options_.namespaces; }
  [[nodiscard]] Result<Json> Get(const kube::ResourceType& type, const std::string& ns,
                                 const std::string& name,
                                 const std::stop_token& stop) const override;
  [[nodiscard]] Result<std::vector<Json>> List(const kube::ResourceType& type,
                                               const std::string& ns, const std::string& labels,
                                               const std::stop_token& stop) const override;
  [[nodiscard]] Result<std::vector<Json>> Events(const std::string& ns, const std::string& name,
                                                 const std::stop_token& stop) const override;
  // Of a pod that stands the API server is asked from the log's beginning on, up to 32 MiB.
  [[nodiscard]] Result<LogPiece> Log(const LogAsk& ask, const std::stop_token& stop) const override;
  [[nodiscard]] std::optional<bool> Settle(metadata::RunRecord& run) const override;
  [[nodiscard]] const metadata::Query& history() const override { return history_; }
  [[nodiscard]] const artifacts::Store& store() const override { return store_; }
  [[nodiscard]] std::string Flags(const std::string& ns) const override { return "-n " + ns; }

 private:
  [[nodiscard]] Result<LogPiece> LiveLog(const LogAsk& ask, const std::stop_token& stop) const;
  [[nodiscard]] Result<LogPiece> LiveTail(const LogAsk& ask, const Json& pod,
                                          const std::stop_token& stop) const;
  // Hands on the containers' logs one behind the other; false where `take` ended it.
  [[nodiscard]] Result<bool> ReadContainers(const LogAsk& ask, const Json& pod,
                                            std::optional<int> tail_lines,
                                            const kube::LogSink& take,
                                            const std::stop_token& stop) const;

  kube::Client& client_;
  const metadata::Query history_;
  const artifacts::Store store_;
  const artifacts::LogStore logs_;
  const ClusterPlaceOptions options_;
};

// A piece of a file that is a log.
[[nodiscard]] Result<LogPiece> PieceOfFile(const std::filesystem::path& file, const LogAsk& ask);

// The containers of a step's pod, in the order in which they run.
[[nodiscard]] std::vector<std::string> StepContainers(const Json& pod);

}  // namespace penstock::views
