// A store's report as people read it. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/retention/store_keeper.h"

namespace penstock::cli {

struct ReportText {
  std::string out;  // tables and findings
  std::string err;  // one line that sums up, then what could not be looked at
};

// Of artifacts::Report, as it is here or as a gateway gave it.
[[nodiscard]] ReportText TextOf(const Json& report, retention::StoreJob job, std::size_t width);

}  // namespace penstock::cli
