// Where route tables come from: a file (components/router/file_source.h), or the API server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "components/router/routing/route_table.h"
#include "operator/base/result.h"

namespace penstock::router {

class TableSource {
 public:
  // Called by any thread of the source, one call at a time, with every table that differs from the
  // last; returns when the table is handed on (workers use it within a millisecond or so).
  using Publish = std::function<void(std::shared_ptr<const RouteTable>)>;

  virtual ~TableSource() = default;  // stops, and joins its threads
  // Publishes from now on; a first table may come later (readiness waits for it). An error ends the
  // program: only what no waiting mends (a file that cannot be read at start, a wrong flag).
  [[nodiscard]] virtual Result<void> Start(Publish publish) = 0;
  // What is wrong at the moment, for /readyz?verbose and the log; empty: nothing.
  [[nodiscard]] virtual std::string Trouble() const = 0;
};

}  // namespace penstock::router
