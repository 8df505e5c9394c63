// A client that may do what the chart's role allows the operator in a namespace, and nothing else:
// the rules are read from charts/penstock, so that a verb that the code begins to use and the chart
// does not grant fails the tests as it would fail on a cluster. Thread-safe.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "operator/kube/forwarding_client.h"

namespace penstock::controllers {

class RoleClient : public kube::ForwardingClient {
 public:
  explicit RoleClient(kube::Client& below);

  Result<Json> Get(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                   const kube::Call& call) override;
  Result<kube::ListPage> List(const kube::ResourceType& type, const std::string& ns,
                              const kube::ListOptions& options, const kube::Call& call) override;
  Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const Json& object, const std::string& subresource,
                      const kube::Call& call) override;
  Result<Json> Apply(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                     const Json& object, const kube::PatchOptions& options,
                     const kube::Call& call) override;
  Result<Json> MergePatch(const kube::ResourceType& type, const std::string& ns,
                          const std::string& name, const Json& patch,
                          const kube::PatchOptions& options, const kube::Call& call) override;
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override;

  // In a namespace that the operator looks after.
  [[nodiscard]] bool Grants(const std::string& verb, const std::string& group,
                            const std::string& plural) const;
  // "patch penstock.dev/pipelineruns": what was asked for and is not granted.
  [[nodiscard]] std::set<std::string> denied() const;

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType& type) override;

 private:
  [[nodiscard]] Result<void> Check(const std::string& verb, const kube::ResourceType& type,
                                   const std::string& subresource);

  std::set<std::string> granted_;
  mutable std::mutex mutex_;
  std::set<std::string> denied_;
};

}  // namespace penstock::controllers
