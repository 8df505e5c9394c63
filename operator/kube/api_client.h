// kube::Client over HTTP to a real API server.
//
// Retries by itself only what the server asks to have repeated: 429, and 5xx with Retry-After, at
// most ten times and within the call's time-out; and once after a 401, with the credentials read
// again. Everything else is the caller's decision. CA and client certificate files are looked at
// again each minute; a change opens new connections with them. Thread-safe.
#pragma once

#include <memory>

#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/kube/config.h"

namespace penstock::kube {

class ApiClient : public Client {
 public:
  // Gets the Date header of every answer that came in quickly; called from any thread.
  using NoteDate = std::function<void(std::string_view date)>;
  // Invalid when the URL, a certificate or a key cannot be read. `clock` must outlive the client.
  [[nodiscard]] static Result<std::unique_ptr<ApiClient>> Make(ClusterConfig config,
                                                               const Clock& clock,
                                                               NoteDate note_date = {});
  ~ApiClient() override;

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

 private:
  struct Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::kube
