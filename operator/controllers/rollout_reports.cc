#include "operator/controllers/rollout_reports.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/plan/model/rollout_report.h"

namespace penstock::controllers {
namespace {

constexpr Milliseconds kStoreAgain{30'000};

// A folder, by a name that no two reports have at a time.
Result<ArtifactRef> Put(const artifacts::Store& store, const ObjectKey& of,
                        const plan::RolloutReport& report) {
  const std::filesystem::path folder =
      store.Scratch(of.ns) / ("report-" + of.name + "-" + std::to_string(report.version) + "-" +
                              std::to_string(report.time.time_since_epoch().count()));
  struct Removal {
    const std::filesystem::path& folder;
    ~Removal() {
      std::error_code ignored;  // what stays is swept
      std::filesystem::remove_all(folder, ignored);
    }
  } removal{folder};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return FromErrno(folder.string(), failed.value());
  PENSTOCK_TRY(WriteFileAtomically(folder / plan::kReportJson, report.json));
  PENSTOCK_TRY(WriteFileAtomically(folder / plan::kReportPage, report.page));
  return store.Put(of.ns, folder);
}

}  // namespace

void RolloutReports::Keep(const std::string& key, const plan::RolloutReport& report) {
  const Which which{report.version, report.time};
  plan::RolloutReport content;
  {
    const std::lock_guard lock(mutex_);
    const auto [it, is_new] = kept_[key].try_emplace(which);
    Kept& kept = it->second;
    if (is_new) kept.content = report;
    if (kept.under_way || !kept.digest.empty()) return;
    kept.under_way = true;
    content = kept.content;
  }
  context_.submit_io(ParseKey(key).ns, [this, key, which, content = std::move(content)] {
    Store(key, which, content);
  });
}

void RolloutReports::Store(const std::string& key, const Which& which,
                           const plan::RolloutReport& report) {
  Result<ArtifactRef> stored = Internal("it was not stored");
  struct End {  // also where it throws, which the pool tells
    RolloutReports& reports;
    const std::string& key;
    const Which& which;
    Result<ArtifactRef>& stored;
    ~End() {
      {
        const std::lock_guard lock(reports.mutex_);
        const auto of = reports.kept_.find(key);
        if (of == reports.kept_.end()) return;  // the object is gone
        Kept& kept = of->second[which];
        kept.under_way = false;
        if (stored) kept.digest = stored->digest;
      }
      reports.wake_(key, stored ? Milliseconds{0} : kStoreAgain);
    }
  } end{*this, key, which, stored};
  stored = Put(context_.store, ParseKey(key), report);
  if (!stored)
    context_.warn("the report of " + key + ", version " + std::to_string(report.version) +
                  ", could not be stored: " + stored.error().message + "; it is tried again");
}

std::vector<plan::MadeReport> RolloutReports::Take(
    const std::string& key, const std::vector<api::ModelHistoryEntry>& history) {
  const std::lock_guard lock(mutex_);
  const auto of = kept_.find(key);
  if (of == kept_.end()) return {};
  std::erase_if(of->second, [&](const auto& one) {
    return !one.second.digest.empty() &&
           std::any_of(history.begin(), history.end(),
                       [&](const auto& h) { return h.report == one.second.digest; });
  });
  std::vector<plan::MadeReport> made;
  for (const auto& [which, kept] : of->second)
    if (!kept.digest.empty()) made.push_back({which.first, which.second, kept.digest});
  if (of->second.empty()) kept_.erase(of);
  return made;
}

void RolloutReports::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  kept_.erase(key);
}

}  // namespace penstock::controllers
