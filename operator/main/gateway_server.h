// The gateway as the operator runs it: certificates on the data folder, callers asked of the API
// server, the artifact store's routes. Owns its threads.
#pragma once

#include <memory>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/main/options.h"
#include "operator/runtime/log.h"

namespace penstock::main {

class GatewayServer {
 public:
  // Listens when it returns. All but the options must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<GatewayServer>> Start(const Options& options,
                                                                    const artifacts::Store& store,
                                                                    kube::Client& client,
                                                                    const Clock& clock,
                                                                    const runtime::Log& log);
  ~GatewayServer();
  // Of the authority that pods trust.
  [[nodiscard]] std::string CaPem() const;

 private:
  struct Impl;
  explicit GatewayServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::main
