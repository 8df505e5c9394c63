// The certificates and key sets of a route table, from the files that it names, looked at again and
// again (kubelet renews them under a router that goes on), and from issuers' URLs. One thread at a
// time; never waits for a network.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "components/router/edge/key_fetcher.h"
#include "components/router/edge/server_tls.h"
#include "components/router/edge/token.h"
#include "components/router/routing/route_table.h"

namespace penstock::router {

// What stands before a ModelDeployment's servers.
struct EdgeView {
  bool secure = false;                      // its port speaks TLS and nothing else
  std::shared_ptr<const ServerTls> tls;     // null where it is secure: nobody is answered
  std::shared_ptr<const TokenRules> rules;  // null: no token is asked for
  // What is wrong now, with whose file; empty: nothing. The one before goes on where there was one.
  std::string certificate_trouble;
  std::string keys_trouble;
  friend bool operator==(const EdgeView&, const EdgeView&) = default;
};

class Credentials {
 public:
  explicit Credentials(KeyFetcherOptions keys = {}) : fetcher_(std::move(keys)) {}
  // Reads what the table names. True when a view is another than before. A certificate stays in use
  // until there is one in its place; keys only as long as they are asked for in the same place.
  [[nodiscard]] bool Look(const RouteTable& table, TimePoint now);
  // As Look found it; nothing of a deployment that the table does not name.
  [[nodiscard]] EdgeView Of(const std::string& deployment) const;

 private:
  struct Memory {
    EdgeView view;
    std::optional<std::string> certificate, key;  // as last read and judged
    std::string unusable;                         // what was wrong with them
    std::optional<TokenRoute> tokens;
    std::optional<std::string> keys;
    std::string keys_unusable;
    std::shared_ptr<const KeySet> key_set;
  };
  static void LookAtTls(const TlsRoute& route, TimePoint now, Memory* memory);
  void LookAtTokens(const TokenRoute& route, Memory* memory);
  // What is wrong with the keys of a file, or of the table; Memory::key_set are those that count.
  static std::string ReadKeys(const TokenRoute& route, Memory* memory);

  KeyFetcher fetcher_;
  std::map<std::string, Memory> memories_;  // by deployment
};

}  // namespace penstock::router
