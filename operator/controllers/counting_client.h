// A client that tells of every write: how many API writes a step costs is a promise (at most 4),
// so it is counted where all of them pass: those of controllers, events, leases and token reviews.
// Thread-safe as the client below it.
#pragma once

#include <functional>
#include <string_view>

#include "operator/kube/client.h"

namespace penstock::controllers {

class CountingClient : public kube::Client {
 public:
  // `count(verb, kind)` is called before a write is sent: create, update, update_status, apply,
  // patch, delete.
  using Count = std::function<void(std::string_view verb, std::string_view kind)>;
  CountingClient(kube::Client& below, Count count) : below_(below), count_(std::move(count)) {}

  Result<Json> Get(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                   const kube::Call& call = {}) override;
  Result<kube::ListPage> List(const kube::ResourceType& type, const std::string& ns,
                              const kube::ListOptions& options,
                              const kube::Call& call = {}) override;
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call = {}) override;
  Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const Json& object,
                      const std::string& subresource = "", const kube::Call& call = {}) override;
  Result<Json> Apply(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                     const Json& object, const kube::PatchOptions& options = {},
                     const kube::Call& call = {}) override;
  Result<Json> MergePatch(const kube::ResourceType& type, const std::string& ns,
                          const std::string& name, const Json& patch,
                          const kube::PatchOptions& options = {},
                          const kube::Call& call = {}) override;
  Result<void> Delete(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const kube::DeleteOptions& options = {},
                      const kube::Call& call = {}) override;
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override;
  Result<void> Logs(const std::string& ns, const std::string& pod, const kube::LogOptions& options,
                    const kube::LogSink& sink, std::stop_token stop) override;

 private:
  kube::Client& below_;
  const Count count_;
};

}  // namespace penstock::controllers
