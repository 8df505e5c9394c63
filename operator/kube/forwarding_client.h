// A client that passes every call on to the one below it, and asks its heir before and after: an
// heir says what it means in Before and After, and overrides a call only where that is not enough.
// Thread-safe as the client below and the heir's own two.
#pragma once

#include <string_view>

#include "operator/kube/client.h"

namespace penstock::kube {

class ForwardingClient : public Client {
 public:
  explicit ForwardingClient(Client& below) : below_(below) {}

  Result<Json> Get(const ResourceType& type, const std::string& ns, const std::string& name,
                   const Call& call = {}) override;
  Result<ListPage> List(const ResourceType& type, const std::string& ns, const ListOptions& options,
                        const Call& call = {}) override;
  Result<Json> Create(const ResourceType& type, const std::string& ns, const Json& object,
                      const Call& call = {}) override;
  Result<Json> Update(const ResourceType& type, const std::string& ns, const std::string& name,
                      const Json& object, const std::string& subresource = "",
                      const Call& call = {}) override;
  Result<Json> Apply(const ResourceType& type, const std::string& ns, const std::string& name,
                     const Json& object, const PatchOptions& options = {},
                     const Call& call = {}) override;
  Result<Json> MergePatch(const ResourceType& type, const std::string& ns, const std::string& name,
                          const Json& patch, const PatchOptions& options = {},
                          const Call& call = {}) override;
  Result<void> Delete(const ResourceType& type, const std::string& ns, const std::string& name,
                      const DeleteOptions& options = {}, const Call& call = {}) override;
  Result<void> Watch(const ResourceType& type, const std::string& ns, const WatchOptions& options,
                     const WatchSink& sink, std::stop_token stop) override;
  Result<void> Logs(const std::string& ns, const std::string& pod, const LogOptions& options,
                    const LogSink& sink, std::stop_token stop) override;

 protected:
  // Before a Get, List (`write` is empty) or write (create, update, update_status, apply, patch,
  // delete) of an object is passed on: an error is its answer, and nothing is sent. Watches and
  // logs are passed on unasked.
  virtual Result<void> Before(std::string_view write, const ResourceType& type) = 0;
  // The call as it is passed on.
  virtual Call Adapted(std::string_view /*write*/, const Call& call) const { return call; }
  // After it: an error takes the answer's place.
  virtual Result<void> After() { return {}; }

 private:
  template <typename T, typename Send>
  Result<T> Pass(std::string_view write, const ResourceType& type, const Call& call,
                 const Send& send);
  Client& below_;
};

}  // namespace penstock::kube
