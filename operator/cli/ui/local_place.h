// Runs of a state folder, for the views: objects as they were left there, the database of the local
// engine, logs of pods that were processes. Any thread.
#pragma once

#include <string>
#include <vector>

#include "operator/cli/objects/state.h"
#include "operator/views/place.h"

namespace penstock::cli {

class LocalPlace : public views::Place {
 public:
  // Makes the database where there is none, and brings an older one up to date. `clock` must
  // outlive it.
  [[nodiscard]] static Result<std::unique_ptr<LocalPlace>> Open(const State& state,
                                                                const Clock& clock);

  [[nodiscard]] std::string mode() const override { return "local"; }
  [[nodiscard]] std::vector<std::string> namespaces() const override { return {kLocalNamespace}; }
  [[nodiscard]] Result<Json> Get(const kube::ResourceType& type, const std::string& ns,
                                 const std::string& name,
                                 const std::stop_token& stop) const override;
  [[nodiscard]] Result<std::vector<Json>> List(const kube::ResourceType& type,
                                               const std::string& ns, const std::string& labels,
                                               const std::stop_token& stop) const override;
  [[nodiscard]] Result<std::vector<Json>> Events(const std::string& ns, const std::string& name,
                                                 const std::stop_token& stop) const override;
  [[nodiscard]] Result<views::LogPiece> Log(const views::LogAsk& ask,
                                            const std::stop_token& stop) const override;
  [[nodiscard]] std::optional<bool> Settle(metadata::RunRecord& run) const override;
  [[nodiscard]] const metadata::Query& history() const override { return history_; }
  [[nodiscard]] const artifacts::Store& store() const override { return store_; }
  [[nodiscard]] std::string Flags(const std::string& ns) const override;

 private:
  LocalPlace(const State& state, const Clock& clock);
  const State state_;
  const Clock& clock_;
  const metadata::Query history_;
  const artifacts::Store store_;
};

}  // namespace penstock::cli
