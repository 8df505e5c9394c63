// What is to be stored of a version that was rejected or rolled back, and what was. Values.
#pragma once

#include <cstdint>
#include <string>

#include "operator/base/time.h"

namespace penstock::rollout {

// Files of the artifact, which is a folder.
inline constexpr const char* kReportJson = "report.json";
inline constexpr const char* kReportPage = "report.html";

struct Report {
  std::int64_t version = 0;
  TimePoint time{};  // of its entry in the history
  std::string json;
  std::string page;
};
struct MadeReport {
  std::int64_t version = 0;
  TimePoint time{};
  std::string digest;
};

}  // namespace penstock::rollout
