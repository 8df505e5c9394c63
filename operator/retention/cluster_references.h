// What refers to the artifacts of a cluster's namespaces: its objects, as the API server has them,
// and the history of runs. Any text counts, whatever the field means. Any thread; calls block.
#pragma once

#include <chrono>
#include <string>

#include "operator/artifacts/gc/collection.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/metadata/query.h"

namespace penstock::retention {

class ClusterReferences : public artifacts::References {
 public:
  // Runs of the history that ended longer than `keep` ago refer to nothing. What is borrowed must
  // outlive it.
  ClusterReferences(kube::Client& client, metadata::Query history, const Clock& clock,
                    std::chrono::seconds keep, std::string library_namespace)
      : client_(client),
        history_(std::move(history)),
        clock_(clock),
        keep_(keep),
        library_namespace_(std::move(library_namespace)) {}

  // Pods of steps, runs and what they are pinned to, history, Pipelines, Components (the library's
  // too), Models and their versions, ModelDeployments: as references move on. An error where one
  // list cannot be had whole.
  [[nodiscard]] Result<void> Each(const std::string& ns, const TextSink& sink,
                                  const std::stop_token& stop) override;

 private:
  struct Kind;
  [[nodiscard]] Result<void> EachOf(const Kind& kind, const std::string& ns, const TextSink& sink,
                                    const std::stop_token& stop) const;

  kube::Client& client_;
  const metadata::Query history_;
  const Clock& clock_;
  const std::chrono::seconds keep_;
  const std::string library_namespace_;
};

// Hands on what an object says: its JSON, and of a ControllerRevision of ours what is compressed in
// it. Internal, with its name, where that cannot be read.
[[nodiscard]] Result<void> TextsOf(const Json& object, const artifacts::References::TextSink& sink);

// What history says of runs of the namespace that are not ended, or were less than `keep` ago.
[[nodiscard]] Result<void> HistoryOf(const metadata::Query& history, const std::string& ns,
                                     TimePoint since, const artifacts::References::TextSink& sink);

}  // namespace penstock::retention
