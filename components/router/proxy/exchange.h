// One request under way: what was decided about it and where its bytes stand. Part of a client's
// connection; lives from the request's head to its answer's end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "components/router/proxy/live_routes.h"
#include "components/router/proxy/relay.h"
#include "components/router/proxy/shadow_copy.h"
#include "components/router/proxy/upstream.h"
#include "components/router/routing/request_route.h"

namespace penstock::router {

struct Exchange {
  explicit Exchange(BlockPool* pool) : request(pool), answer(pool), answer_in(pool) {}

  // What the client asked for.
  RouteKind route = RouteKind::kOther;
  bool idempotent = false;
  bool to_head = false;
  bool http11 = true;
  bool keep_alive = true;  // as far as the client is concerned
  std::optional<std::int64_t> pinned;

  // What was decided.
  std::shared_ptr<const DeploymentView> deployment;
  std::int64_t version = 0;  // 0: not yet
  std::shared_ptr<VersionStatistics> statistics;
  UpstreamConnection* upstream = nullptr;
  const LiveEndpoint* failed = nullptr;  // not asked again, if there is another
  // Of the version whose servers could not be reached last; null: they could, or were not asked.
  std::shared_ptr<VersionStatistics> unreached;
  int tries = 0;
  Moment begun = 0;
  Moment deadline = 0;          // for the answer's first byte
  Moment connect_deadline = 0;  // while connecting
  Moment body_progress = 0;     // when the client last sent of its body

  Relay request;              // its input is the connection's
  bool request_lost = false;  // the server takes no more of it; it may have answered already
  std::chrono::steady_clock::time_point sent{};  // when the server had all of it

  Relay answer;
  Buffer answer_in;
  std::size_t answer_searched = 0;
  bool answer_begun = false;  // its head has been read
  bool upstream_reusable = false;
  int status = 0;
  double seconds = -1;
  Moment answer_progress = 0;

  std::unique_ptr<ShadowJob> shadow;

  Moment hold_until = 0;  // set when it is held for the first time
  // As counted while held, and with whom.
  std::int64_t held_bytes = 0;
  std::shared_ptr<LiveDeployment> held_with;
};

}  // namespace penstock::router
